"""A partner's commands, against the real application, from the catalogue to the end of a subscription."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Comptoir, Outcome, is_one_line
from tests.client.served import Served
from tests.purchase_shelf import CATALOGUE

from comptoir.cli.partner.output import one_line

UNKNOWN = "11111111-2222-4333-8444-555555555555"
POLLS_MAX = 200


def rows(outcome: Outcome) -> list[dict[str, str]]:
    """A printed table: each row by the titles, cut where the titles begin."""
    assert outcome.status == 0, outcome.error
    title, *lines = outcome.out.rstrip("\n").splitlines()
    names = [name for name in title.split("  ") if name]
    starts = [title.index(name) for name in names]
    ends = [*starts[1:], None]
    return [
        {name.strip(): line[start:end].strip() for name, start, end in zip(names, starts, ends, strict=True)}
        for line in lines
    ]


def answer(outcome: Outcome) -> Any:
    """What ``--json`` printed."""
    assert (outcome.status, outcome.error) == (0, ""), outcome.error
    return json.loads(outcome.out)


def facts(outcome: Outcome) -> dict[str, str]:
    """What a command that shows one thing printed, up to the table of its parts."""
    assert outcome.status == 0, outcome.error
    lines = outcome.out.partition("\n\n")[0].splitlines()
    pairs = [line.partition("  ") for line in lines]
    return {title: text.strip() for title, _, text in pairs}


def table(outcome: Outcome) -> list[dict[str, str]]:
    """The table below what one thing is."""
    return rows(Outcome(outcome.status, outcome.out.partition("\n\n")[2], outcome.error))


@pytest.fixture
def customer(server: Served) -> str:
    return next(customer.id for customer in server.account().customers if customer.country == "US")


@pytest.fixture
def desk(comptoir: Comptoir, server: Served) -> str:
    """The product of the walk."""
    listed = rows(comptoir("products", "list", "--country", "US"))
    return next(row["Product"] for row in listed if row["Title"].startswith("Lanternwick Desk"))


@pytest.fixture
def item(comptoir: Comptoir, desk: str) -> str:
    """What a cart line takes to buy seats of it."""
    (row,) = rows(comptoir("availabilities", "list", desk, "0001", "--country", "US"))
    return row["Catalog item"]


@pytest.fixture
def bought(comptoir: Comptoir, customer: str, item: str) -> tuple[str, str]:
    """An order of five seats that is completed, and its subscription."""
    cart = answer(comptoir("cart", "create", customer, f"{item}=5", "--json"))
    result = answer(comptoir("cart", "checkout", customer, cart["id"], "--json"))
    (order,) = result["orders"]
    for _ in range(POLLS_MAX):
        found = answer(comptoir("orders", "show", customer, order["id"], "--json"))
        if found["status"] == "completed":
            break
        time.sleep(0.05)
    return order["id"], order["lineItems"][0]["subscriptionId"]


def test_the_catalogue_by_country_and_by_customer(comptoir: Comptoir, customer: str, desk: str) -> None:
    for scope in (("--country", "us"), ("--customer", customer)):
        assert desk in {row["Product"] for row in rows(comptoir("products", "list", *scope))}
        shown = facts(comptoir("products", "show", desk, *scope))
        assert (shown["Type"], shown["Publisher"]) == ("Azure", "Lanternwick Studio")
        plans = rows(comptoir("skus", "list", desk, *scope))
        assert ("0001", "Team", "no", "1", "300", "monthly") in {
            (row["SKU"], row["Title"], row["Trial"], row["Minimum"], row["Maximum"], row["Billing cycles"])
            for row in plans
        }
        assert facts(comptoir("skus", "show", desk, "0001", *scope))["Title"] == "Team"
        (offer,) = rows(comptoir("availabilities", "list", desk, "0001", *scope))
        assert (offer["Currency"], offer["Terms"]) == ("USD", "P1M Monthly, P1Y Monthly")


def test_a_segment_narrows_the_list(comptoir: Comptoir, server: Served) -> None:
    every = answer(comptoir("products", "list", "--country", "US", "--json"))
    schools = answer(comptoir("products", "list", "--country", "US", "--segment", "education", "--json"))
    assert 0 < len(schools) < len(every)


def test_json_is_the_answer_of_the_service(comptoir: Comptoir, desk: str) -> None:
    listed = answer(comptoir("skus", "list", desk, "--country", "US", "--json"))
    shown = answer(comptoir("skus", "show", desk, "0001", "--country", "US", "--json"))
    assert shown in listed
    assert shown["productId"] == desk
    assert shown["links"]["availabilities"]["headers"] == []


def test_a_cart_is_put_together_changed_and_ordered(comptoir: Comptoir, customer: str, item: str) -> None:
    made = comptoir("cart", "create", customer, item, f"{item}=3", "--term", "P1Y", "--name", "Desk")
    cart_id = facts(made)["Cart"]
    changed = comptoir(
        "cart", "update", customer, cart_id, "--quantity", "0=4", "--remove", "1", "--add", f"{item}=2"
    )
    assert facts(changed)["Status"] == "Active"
    lines = table(changed)
    assert [(line["Quantity"], line["Term"]) for line in lines] == [("4", "P1Y"), ("2", "P1M")]
    assert [line["Price"] for line in lines] == ["345.60 USD", "16.00 USD"]
    shown = answer(comptoir("cart", "show", customer, cart_id, "--json"))
    assert [line.get("friendlyName") for line in shown["lineItems"]] == ["Desk", None]
    ordered = rows(comptoir("cart", "checkout", customer, cart_id))
    again = rows(comptoir("cart", "checkout", customer, cart_id))
    assert [row["Order"] for row in again] == [row["Order"] for row in ordered]
    listed = {row["Order"] for row in rows(comptoir("orders", "list", customer))}
    assert {row["Order"] for row in ordered} <= listed
    assert facts(comptoir("cart", "show", customer, cart_id))["Status"] == "Ordered"


def test_a_line_that_cannot_be_bought_says_why(comptoir: Comptoir, server: Served, item: str) -> None:
    french = next(customer.id for customer in server.account().customers if customer.country == "FR")
    made = comptoir("cart", "create", french, item)
    (line,) = table(made)
    assert line["Error"] == "10001 The item is not sold in FR."
    refused = comptoir("cart", "checkout", french, facts(made)["Cart"])
    assert (refused.status, refused.out) == (1, "")
    assert refused.error.startswith("comptoir: 400/800009 ")


def test_a_group_that_is_not_ordered_is_told_and_the_others_are_ordered(
    comptoir: Comptoir, server: Served, folder: Path
) -> None:
    (folder / "shelf.yaml").write_text(CATALOGUE, encoding="utf-8")
    assert comptoir("catalog", "import", "shelf.yaml").status == 0
    french = next(customer.id for customer in server.account().customers if customer.country == "FR")
    scope = ("--customer", french)
    listed = rows(comptoir("products", "list", *scope))
    product = next(row["Product"] for row in listed if row["Title"] == "Lantern")
    plans = {row["Title"]: row["SKU"] for row in rows(comptoir("skus", "list", product, *scope))}
    boxed, plain = (
        rows(comptoir("availabilities", "list", product, plans[title], *scope))[0]["Catalog item"]
        for title in ("Five in stock", "Plain")
    )
    first, second = (
        answer(comptoir("cart", "create", french, *items, "--json"))["id"]
        for items in ((f"{boxed}=5",), (boxed, plain))
    )
    assert comptoir("cart", "checkout", french, first).status == 0
    half = comptoir("cart", "checkout", french, second)
    assert half.status == 1
    assert half.error.startswith("comptoir: group 0 was not ordered: 800010 ")
    assert half.error.count("\n") == 1
    assert len(half.out.splitlines()) == 2


def test_an_item_that_demands_an_attestation(comptoir: Comptoir, customer: str) -> None:
    listed = rows(comptoir("products", "list", "--customer", customer))
    exercise = next(row["Product"] for row in listed if row["Title"].startswith("Magpie Rehearsal"))
    (offer,) = rows(comptoir("availabilities", "list", exercise, "0001", "--customer", customer))
    for flags, accepted in (((), None), (("--attest",), True)):
        cart = answer(comptoir("cart", "create", customer, offer["Catalog item"], *flags, "--json"))
        assert cart["lineItems"][0].get("attestationAccepted") is accepted


def test_the_life_of_a_subscription(comptoir: Comptoir, customer: str, bought: tuple[str, str]) -> None:
    order, subscription = bought
    (listed,) = rows(comptoir("subscriptions", "list", customer, "--order", order))
    assert (listed["Subscription"], listed["Status"], listed["Quantity"]) == (subscription, "pending", "5")
    (link,) = rows(comptoir("subscriptions", "links", customer, subscription))
    assert "/sandbox/activation-placeholder?" in link["Link"]
    early = comptoir("subscriptions", "set", customer, subscription, "--quantity", "6")
    assert (early.status, early.error.split(" ")[1]) == (1, "400/800081")
    activated = facts(comptoir("subscriptions", "activate", customer, subscription))
    assert activated == {"Subscription": subscription, "Activation": "Success"}

    shown = facts(comptoir("subscriptions", "show", customer, subscription))
    assert (shown["Status"], shown["Renews"], shown["Order"]) == ("active", "yes", order)
    assert shown["Full refund until"] > shown["Started"]
    change = ("--quantity", "8", "--no-auto-renew", "--name", "Field teams")
    changed = facts(comptoir("subscriptions", "set", customer, subscription, *change))
    assert (changed["Quantity"], changed["Renews"], changed["Name"]) == ("8", "no", "Field teams")
    renewed = facts(comptoir("subscriptions", "set", customer, subscription, "--auto-renew"))
    assert (renewed["Quantity"], renewed["Renews"], renewed["Name"]) == ("8", "yes", "Field teams")
    too_many = comptoir("subscriptions", "set", customer, subscription, "--quantity", "301")
    assert (too_many.status, too_many.out) == (1, "")
    assert too_many.error.startswith("comptoir: 400/2002 ")

    ended = answer(comptoir("subscriptions", "cancel", customer, subscription, "--json"))
    assert (ended["status"], ended["autoRenewEnabled"]) == ("deleted", False)
    assert answer(comptoir("subscriptions", "cancel", customer, subscription, "--json")) == ended
    late = comptoir("subscriptions", "set", customer, subscription, "--quantity", "9")
    assert (late.status, late.error.split(" ")[1]) == (1, "400/2011")


def test_an_order_of_a_sandbox_is_cancelled(
    comptoir: Comptoir, customer: str, bought: tuple[str, str]
) -> None:
    order, subscription = bought
    assert facts(comptoir("orders", "cancel", customer, order))["Status"] == "cancelled"
    shown = facts(comptoir("subscriptions", "show", customer, subscription))
    assert shown["Status"] == "deleted"


def test_an_error_of_the_service_is_one_line_with_its_correlation_id(
    comptoir: Comptoir, server: Served, customer: str
) -> None:
    refused = comptoir("subscriptions", "show", customer, UNKNOWN)
    assert (refused.status, refused.out) == (1, "")
    line, end = refused.error[:-1], refused.error[-1]
    assert end == "\n"
    assert line.startswith("comptoir: 404/20003 ")
    assert len(line.rpartition("(correlation id ")[2]) == len(f"{UNKNOWN})")


def test_the_account_and_the_user_of_the_local_profile(comptoir: Comptoir, server: Served) -> None:
    theirs = next(customer.id for customer in server.account("production").customers)
    foreign = comptoir("subscriptions", "list", theirs)
    assert foreign.error.startswith("comptoir: 403/20002 ")
    user = ("--user", server.account("production").users[0].name)
    assert comptoir("subscriptions", "list", theirs, "--account", "production", *user).status == 0
    nobody = comptoir("subscriptions", "list", theirs, "--account", "nobody")
    assert is_one_line(nobody)
    assert "There is no account nobody." in nobody.error


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("products", "list"), "--country"),
        (("products", "list", "--country", "US", "--customer", UNKNOWN), "one of"),
        (("skus", "list"), "--product"),
        (("cart", "create", UNKNOWN), "at least one catalog item"),
        (("cart", "create", UNKNOWN, "A:B:C=many"), "=QUANTITY"),
        (("cart", "update", UNKNOWN, "x", "--quantity", "1"), "=QUANTITY"),
        (("cart", "update", UNKNOWN, "x", "--remove", "one"), "one"),
        (("orders", "show", "..", "x"), "customer_id"),
        (("subscriptions", "set", UNKNOWN, UNKNOWN), "at least one"),
        (("subscriptions", "set", UNKNOWN, UNKNOWN, "--quantity", "few"), "few"),
        (("subscriptions", "suspend", UNKNOWN, UNKNOWN), "suspend"),
    ],
)
def test_wrong_usage_is_told_in_one_line(
    comptoir: Comptoir, server: Served, arguments: tuple[str, ...], reason: str
) -> None:
    refused = comptoir(*arguments)
    assert is_one_line(refused), refused
    assert reason in refused.error


def test_a_line_that_the_cart_does_not_have(comptoir: Comptoir, customer: str, item: str) -> None:
    cart = answer(comptoir("cart", "create", customer, item, "--json"))
    refused = comptoir("cart", "update", customer, cart["id"], "--remove", "7", "--quantity", "9=1")
    assert is_one_line(refused)
    assert "the cart has no line 7, 9" in refused.error
    assert answer(comptoir("cart", "show", customer, cart["id"], "--json"))["lineItems"] == cart["lineItems"]


def test_texts_of_the_service_do_not_command_the_terminal() -> None:
    assert one_line("Harbor\x1b[2J\x07\nsecond \t line – café") == "Harbor [2J second line – café"


def test_without_a_server_the_command_says_how_to_start_one(comptoir: Comptoir) -> None:
    refused = comptoir("products", "list", "--country", "US")
    assert is_one_line(refused)
    assert "comptoir serve" in refused.error
