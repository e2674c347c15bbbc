"""The bodies that foreign clients PATCH a subscription with, and the answers that they read (``20`` 3.3).

``golden/subscription_patch`` holds one body for each client, as it sends back what it has read, or as it
fills an object of its own. What happens must be the same whoever asks.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.market import Json
from tests.order_market import Shop, shop
from tests.subscription_desk import Held, hold

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

GOLDEN = Path(__file__).parent / "golden" / "subscription_patch"
NAMES = {
    "dotnet_full": "Partner Center .NET SDK",
    "java_full": "Partner Center Java SDK",
    "powershell": "Partner Center PowerShell",
    "node": None,
    "kotlin": None,
}
"""The clients that send the whole resource back, and what they call themselves."""

STRICT = {"java_full", "java_sparse", "powershell"}
SPARSE = {"dotnet_sparse": "Partner Center .NET SDK", "java_sparse": "Partner Center Java SDK"}


def headers_of(client: str) -> dict[str, str]:
    name = (NAMES | SPARSE)[client]
    return {} if name is None else {"MS-PartnerCenter-Client": name}


def golden(name: str, values: Mapping[str, Json]) -> dict[str, Any]:
    """A golden body with the values of a subscription in the places of their names."""
    body: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return {member: _filled(value, values) for member, value in body.items()}


def _filled(value: Json, values: Mapping[str, Json]) -> Json:
    if isinstance(value, dict):
        return {member: _filled(inner, values) for member, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    is_name = isinstance(value, str) and value.startswith("{") and value.endswith("}")
    return values[value[1:-1]] if is_name else value


def values_of(shown: Mapping[str, Json]) -> dict[str, Json]:
    """What the names in a golden body stand for."""
    links = {f"{name}Uri": link["uri"] for name, link in shown["links"].items()}
    etag = shown["attributes"]["etag"]
    return {**shown, **links, "etag": etag, "Status": shown["status"].capitalize()}


def with_change(body: dict[str, Any], member: str, value: Json) -> dict[str, Any]:
    """The body with one member set, in the spelling that the client uses."""
    spelled = next(name for name in body if name.lower() == member.lower())
    return {**body, spelled: value}


async def read(held: Held, client: str) -> Json:
    return await held.read(headers=headers_of(client))


@pytest.mark.parametrize("client", NAMES)
async def test_the_answer_is_the_golden_one(shop: Shop, client: str) -> None:
    held = await hold(shop)
    shown = await read(held, client)
    sent = with_change(golden(client, values_of(shown)), "quantity", 9)
    reply = await held.patch(sent, headers=headers_of(client))
    assert reply.status_code == 200, reply.text
    expected = golden("reply_strict" if client in STRICT else "reply_full", values_of(reply.json()))
    assert reply.json() == expected
    assert (reply.json()["quantity"], reply.json()["status"]) == (9, "active")


@pytest.mark.parametrize("client", NAMES)
async def test_what_was_read_comes_back_and_changes_nothing(shop: Shop, client: str) -> None:
    held = await hold(shop)
    shown = await read(held, client)
    reply = await held.patch(golden(client, values_of(shown)), headers=headers_of(client))
    assert (reply.status_code, reply.json()) == (200, shown)


@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize(
    ("member", "value", "shown_as"),
    [
        ("quantity", 3, {"quantity": 3}),
        ("autoRenewEnabled", False, {"autoRenewEnabled": False}),
        ("status", "Deleted", {"status": "deleted", "autoRenewEnabled": False, "actions": []}),
    ],
)
async def test_one_change_is_the_only_one(
    shop: Shop, client: str, member: str, value: Json, shown_as: dict[str, Json]
) -> None:
    held = await hold(shop)
    before = await held.read()
    sent = with_change(golden(client, values_of(await read(held, client))), member, value)
    reply = await held.patch(sent, headers=headers_of(client))
    assert reply.status_code == 200, reply.text
    after = await held.read()
    assert {name: after[name] for name in shown_as} == shown_as
    until_cancelled = {
        "billingCycleEndDate",
        "billingCycleEndDateTime",
        "cancellationAllowedUntilDate",
        "refundOptions",
    }
    untouched = before.keys() - shown_as.keys() - until_cancelled - {"attributes"}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}


@pytest.mark.parametrize("client", SPARSE)
async def test_an_object_of_ones_own_changes_what_was_set(shop: Shop, client: str) -> None:
    held = await hold(shop)
    before = await held.stored()
    empty = golden(client, {})
    suspend = with_change(empty, "status", "suspended")
    refused = await held.patch(suspend, headers=headers_of(client))
    assert (refused.status_code, refused.json()["code"]) == (400, 800096)
    unchanged = await held.patch(empty, headers=headers_of(client))
    assert unchanged.status_code == 200
    assert await held.stored() == before
    cancel = with_change(empty, "status", "deleted")
    assert (await held.patch(cancel, headers=headers_of(client))).json()["status"] == "deleted"


@pytest.mark.parametrize("client", ["java_full", "powershell"])
async def test_strict_clients_rename_what_waits_for_its_set_up(shop: Shop, client: str) -> None:
    """A pending subscription reads ``none`` to them; sent back, that must not count as a status."""
    held = await hold(shop, is_active=False)
    shown = await read(held, client)
    assert shown["status"] == "none"
    missing = dict.fromkeys(
        ("effectiveStartDate", "commitmentEndDate", "cancellationAllowedUntilDate"), "0001-01-01T00:00:00"
    )
    sent = with_change(golden(client, {**missing, **values_of(shown)}), "friendlyName", "Lyon")
    reply = await held.patch(sent, headers=headers_of(client))
    assert (reply.status_code, reply.json()["friendlyName"]) == (200, "Lyon")
    assert (await held.stored()).status.value == "pending"
