"""The sample's customers are customers that could be created."""

from collections import Counter

from comptoir.bootstrap.sample import read_customers
from comptoir.customers import rules


def test_each_account_has_two_acceptable_customers_in_three_countries() -> None:
    customers = read_customers()
    counts = Counter((customer.account, customer.address["country"]) for customer in customers)
    for customer in customers:
        rules.judge_draft(customer.draft())
    for account in ("production", "sandbox"):
        assert all(counts[account, country] >= 2 for country in ("US", "FR", "JP")), counts


def test_domains_are_unique() -> None:
    domains = [customer.domain for customer in read_customers()]
    assert len(set(domains)) == len(domains)
