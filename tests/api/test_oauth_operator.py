"""The operator API of accounts, and who may call it."""

import pytest
from tests.market import ADMIN, Market

pytestmark = pytest.mark.anyio

ACCOUNTS = "/operator/v1/accounts"


async def test_the_operator_lists_accounts_by_name(market: Market) -> None:
    body = (await market.get(ACCOUNTS, account="operator")).json()
    assert [item["name"] for item in body["items"]] == ["production", "sandbox"]
    assert "nextAfter" not in body
    rest = (await market.get(f"{ACCOUNTS}?after=production", account="operator")).json()
    assert [item["name"] for item in rest["items"]] == ["sandbox"]


async def test_the_operator_reads_an_account_with_its_settings(market: Market) -> None:
    body = (await market.get(f"{ACCOUNTS}/Sandbox", account="operator")).json()
    account = await market.account("sandbox")
    assert (body["tenantId"], body["kind"], body["profile"]) == (account.id, "sandbox", "relaxed")
    assert body["settings"]["activation_link"] == "placeholder"
    assert body["settings"]["limit_customers"] == "none"
    assert body["overrides"] == {}
    assert body["address"]["country"] == account.country


async def test_the_operator_changes_and_resets_settings(market: Market) -> None:
    path = f"{ACCOUNTS}/sandbox/settings"
    changes = {"overrides": {"order_list_delay_seconds": 5, "limit_customers": "none", "mfa": "enforce"}}
    changed = (await market.patch(path, {"profile": "Faithful", **changes}, account="operator")).json()
    assert changed["profile"] == "faithful"
    assert changed["overrides"] == changes["overrides"]
    assert changed["settings"]["limit_seats_per_subscription"] == 25
    assert changed["settings"]["limit_customers"] == "none"
    reset = {"overrides": {"order_list_delay_seconds": "default", "limit_customers": "default"}}
    after = (await market.patch(path, reset, account="operator")).json()
    assert after["overrides"] == {"mfa": "enforce"}
    assert (after["settings"]["order_list_delay_seconds"], after["settings"]["limit_customers"]) == (900, 75)
    assert (await market.get(f"{ACCOUNTS}/sandbox", account="operator")).json() == after


WRONG_CHANGES: list[tuple[dict[str, object], int]] = [
    ({"overrides": {"colour": "red"}}, 3000),
    ({"overrides": {"colour": "default"}}, 3000),
    ({"overrides": {"mfa": "maybe"}}, 3000),
    ({"overrides": {"limit_customers": 0}}, 3000),
    ({"overrides": {"cart_ttl_seconds": "none"}}, 3000),
    ({"overrides": {"cart_ttl_seconds": 1.5}}, 3000),
    ({"overrides": []}, 3000),
    ({"profile": "lenient"}, 900126),
]


async def test_a_wrong_change_is_refused_and_changes_nothing(market: Market) -> None:
    before = (await market.get(f"{ACCOUNTS}/sandbox", account="operator")).json()
    for body, number in WRONG_CHANGES:
        answer = await market.patch(f"{ACCOUNTS}/sandbox/settings", body, account="operator")
        assert (answer.status_code, answer.json()["code"]) == (400, number), body
    assert (await market.get(f"{ACCOUNTS}/sandbox", account="operator")).json() == before


async def test_an_unknown_account(market: Market) -> None:
    for name in ("nobody", "%00", "%27%20OR%201=1--"):
        for answer in (
            await market.get(f"{ACCOUNTS}/{name}", account="operator"),
            await market.patch(f"{ACCOUNTS}/{name}/settings", {}, account="operator"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, 1000), name
    after_nobody = await market.get(f"{ACCOUNTS}?after=%00", account="operator")
    assert len(after_nobody.json()["items"]) == 2


async def test_partners_do_not_reach_the_operator_api(market: Market) -> None:
    for user in (None, ADMIN):
        answer = await market.get(ACCOUNTS, account="sandbox", user=user)
        assert answer.status_code == 401
    assert (await market.client.get(ACCOUNTS)).status_code == 401


async def test_the_operator_does_not_reach_the_partner_api(market: Market) -> None:
    assert (await market.get("/v1/customers", account="operator")).status_code == 401


async def test_tokens_end(market: Market) -> None:
    await market.token("sandbox")
    market.wait(hours=1, minutes=4, seconds=59)
    assert (await market.get("/v1/customers")).status_code == 200
    market.wait(seconds=1)
    answer = await market.get("/v1/customers")
    assert (answer.status_code, answer.json()["code"]) == (401, 400)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_mfa_can_be_enforced_for_users(market: Market) -> None:
    await market.configure(mfa="enforce")
    assert (await market.get("/v1/customers", user=ADMIN)).status_code == 200
    assert (await market.get("/v1/customers")).status_code == 200
