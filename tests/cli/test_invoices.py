"""``comptoir invoices``: a purchase, what it costs before it is billed, and its invoice two months later."""

import pytest
from tests.cli.conftest import Comptoir, is_one_line
from tests.cli.test_partner import answer, bought, customer, desk, facts, item, rows
from tests.client.served import Served
from tests.market import ADMIN

__all__ = ["bought", "customer", "desk", "item"]

AS_USER = ("--user", ADMIN)


@pytest.fixture
def charged(comptoir: Comptoir, customer: str, bought: tuple[str, str]) -> str:
    """A subscription whose first month is charged."""
    assert comptoir("subscriptions", "activate", customer, bought[1]).status == 0
    return bought[1]


def test_from_the_first_charge_to_the_invoice(
    comptoir: Comptoir, server: Served, customer: str, charged: str
) -> None:
    assert comptoir("invoices", "list").out.splitlines()[1:] == []
    assert facts(comptoir("invoices", "balance")) == {"Currency": "USD", "Balance": "0"}
    lines = answer(comptoir("invoices", "unbilled", "--json"))
    assert [line["subscriptionId"] for line in lines] == [charged]
    (shown,) = rows(comptoir("invoices", "unbilled", "--currency", "usd"))
    assert (shown["Charge"], shown["Quantity"], shown["Tax"]) == ("new", "5", "0")
    assert float(shown["Subtotal"]) == lines[0]["subtotal"] > 0
    assert rows(comptoir("invoices", "unbilled", "--usage")) == []

    assert comptoir("clock", "advance", "sandbox", "--by", "P2M").status == 0
    (invoice, *_) = rows(comptoir("invoices", "list"))
    number = invoice["Invoice"]
    assert (invoice["Document"], invoice["State"], invoice["Paid"]) == ("invoice", "active", "0.00")
    whole = facts(comptoir("invoices", "show", number, *AS_USER))
    assert (whole["Total"], whole["Lines"]) == (invoice["Total"], "billing_line_items")
    billed = answer(comptoir("invoices", "lines", number, "--json"))
    assert [(line["referenceId"], line["invoiceNumber"]) for line in billed] == [
        (lines[0]["referenceId"], number)
    ]
    assert rows(comptoir("invoices", "lines", number, "--usage")) == []
    listed = rows(comptoir("invoices", "balance", "--all", *AS_USER))
    assert [(row["Currency"], row["Last payment"]) for row in listed] == [("USD", "")]

    printed = comptoir("invoices", "pdf", number, *AS_USER, "--output", "one.pdf")
    assert printed.out == "one.pdf\n"
    nowhere = comptoir("invoices", "pdf", number, *AS_USER, "--output", "no/such/folder.pdf")
    assert is_one_line(nowhere)


def test_what_the_service_refuses(comptoir: Comptoir, server: Served) -> None:
    for arguments, code in (
        (("show", "T999999999", *AS_USER), "404/1000"),
        (("show", "T999999999"), "403/2032"),
        (("pdf", "T999999999", *AS_USER), "404/1000"),
        (("unbilled", "--currency", "dollars"), "400/3000"),
    ):
        refused = comptoir("invoices", *arguments)
        assert (refused.status, refused.out) == (1, "")
        assert refused.error.startswith(f"comptoir: {code} "), refused.error
    assert is_one_line(comptoir("invoices", "unbilled", "--period", "next"))
