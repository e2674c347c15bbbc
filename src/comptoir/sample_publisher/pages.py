"""The few pages of the sample publisher, as plain HTML."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; color: #1c2430 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3rem .6rem .3rem 0 }
tr + tr td { border-top: 1px solid #d5dae1 } th { font-weight: 500; color: #66707d }
button { font: inherit; padding: .4rem 1.2rem; border: 0; background: #1f5f8b; color: #fff }
"""


def page(title: str, *parts: str) -> str:
    """A whole page."""
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def purchase(resolved: Mapping[str, Any], token: str) -> str:
    """The landing page: what was bought, and a button to set it up where that is still to be done."""
    subscription = resolved["subscription"]
    facts = [
        ("Subscription", resolved["subscriptionName"]),
        ("Offer", resolved["offerId"]),
        ("Plan", resolved["planId"]),
        ("Seats", resolved.get("quantity", "–")),
        ("Bought for", subscription["beneficiary"]["emailId"]),
        ("Bought by", subscription["purchaser"]["emailId"]),
        ("Status", subscription["saasSubscriptionStatus"]),
    ]
    if subscription["saasSubscriptionStatus"] != "PendingFulfillmentStart":
        return page("Welcome", table(facts), "<p>There is nothing to set up.</p>")
    button = (
        '<form method="post" action="/activate">'
        f'<input type="hidden" name="token" value="{escape(token)}">'
        "<p><button>Set up</button></p></form>"
    )
    return page("Welcome", table(facts), button)


def overview(subscriptions: Sequence[Mapping[str, Any]], event_count: int) -> str:
    """The publisher's own view of what it has sold."""
    rows = [
        (each["name"], each["planId"], each.get("quantity", "–"), each["saasSubscriptionStatus"])
        for each in subscriptions
    ]
    return page(
        "Subscriptions",
        table(rows, ("Name", "Plan", "Seats", "Status")),
        f'<p><a href="/events">{event_count} webhooks received</a></p>',
    )


def table(rows: Iterable[Sequence[object]], titles: Sequence[str] = ()) -> str:
    """Rows of texts as a table."""
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    lines = ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in ([head] if head else []) + lines) + "</table>"
