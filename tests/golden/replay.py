"""Replays a client's walk and puts names in place of what differs from run to run."""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from comptoir.customers.agreements import template_of
from comptoir.customers.model import AgreementType
from comptoir.db import Tx, sql
from tests.market import ADMIN, Json, Market
from tests.purchase_shelf import COUNTRY, stock

FOLDER = Path(__file__).parent
CLIENTS = ("dotnet", "java", "powershell", "node", "kotlin")
TICKS = 441_200
"""Microseconds past the full second at the start of a walk, so that dates have a fraction."""

PLACEHOLDER = re.compile(r"\{([a-zA-Z][\w.-]*)\}")
NUMBER = re.compile(r"-?\d{1,19}")
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ORDER_ID = re.compile(r"[A-Za-z0-9][\w-]{31}1")
ALTERNATE_ID = re.compile(r"[0-9a-f]{12}")
TERM_ID = re.compile(r"[0-9a-z]{12}")
VOLATILE = (
    ("password", {"password"}, re.compile(".+")),
    ("order", {"id", "orderId"}, ORDER_ID),
    ("alternate", {"alternateId"}, ALTERNATE_ID),
    ("term", {"id", "applicableTermIds"}, TERM_ID),
)
"""What is drawn at random beside GUIDs: its name, the members that hold it, and its form."""

NAMED_PLANS = ("plain", "yearly", "extra")
MAKE_STRICT = sql("UPDATE applications SET compatibility = 'strict' WHERE account_id = :account_id")


@dataclass(frozen=True)
class Call:
    """One request of a walk, and where the reply to it is kept."""

    request: Mapping[str, Any]
    reply_file: Path

    @property
    def name(self) -> str:
        return self.reply_file.name.removesuffix(".reply.json")


@dataclass
class Names:
    """Values by name for requests, names by value for replies."""

    values: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def give(self, name: str, value: str) -> None:
        self.values[name] = value
        self.names[value] = name

    def fill(self, node: Any) -> Any:
        """A request with values in place of its names."""
        if isinstance(node, dict):
            return {member: self.fill(value) for member, value in node.items()}
        if isinstance(node, list):
            return [self.fill(value) for value in node]
        if not isinstance(node, str):
            return node
        whole = PLACEHOLDER.fullmatch(node)
        if whole is not None:
            return self._value(whole[1])
        return PLACEHOLDER.sub(lambda found: str(self._value(found[1])), node)

    def _value(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        head, *path = name.split(".")
        node = self.values[head]
        for step in path:
            node = node[int(step)] if isinstance(node, list) else node[step]
        return node

    def hide(self, body: Any) -> Any:
        """A reply with names in place of its values."""
        for member, text in _strings(body):
            self._name(member, text)
        return self._hidden(body)

    def _name(self, member: str, text: str) -> None:
        if member == "etag":
            return
        for kind, members, pattern in VOLATILE:
            if member in members and pattern.fullmatch(text):
                self._count(kind, text)
                return
        for guid in GUID.findall(text):
            self._count("guid", guid)

    def _count(self, kind: str, value: str) -> None:
        if value not in self.names:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.names[value] = f"{kind}-{self.counts[kind]}"

    def _hidden(self, node: Any, member: str = "") -> Any:
        if isinstance(node, dict):
            return {name: self._hidden(value, name) for name, value in node.items()}
        if isinstance(node, list):
            return [self._hidden(value) for value in (self._settled(node) if member == "items" else node)]
        if not isinstance(node, str):
            return node
        if member == "etag":
            return self._hidden(_etag(node))
        for value, name in self.names.items():
            node = node.replace(value, f"{{{name}}}")
        return node

    def _settled(self, items: Sequence[Any]) -> list[Any]:
        """A collection in which what was made at the same instant stands in the order of its naming."""
        known = list(self.names)
        return [
            item
            for created, group in groupby(items, key=lambda item: item.get("creationDate"))
            for item in (
                group if created is None else sorted(group, key=lambda item: known.index(item["id"]))
            )
        ]


def _strings(node: Any, member: str = "") -> Iterator[tuple[str, str]]:
    """Every string with the name of its member."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _strings(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value, member)
    elif isinstance(node, str):
        yield member, node


def _etag(text: str) -> str:
    """What an etag says: whose it is and which version, or that it is a number (``00`` section 9)."""
    try:
        holds = json.loads(base64.b64decode(text, validate=True))
        return f"etag of {holds['id']} version {holds['version']}"
    except (binascii.Error, UnicodeDecodeError, json.JSONDecodeError, TypeError):
        return "etag that is a number" if NUMBER.fullmatch(text) else text


def calls_of(client: str) -> list[Call]:
    """A client's walk, in order."""
    files = sorted((FOLDER / client).glob("*.request.json"))
    return [
        Call(_read(file), file.with_name(file.name.replace(".request.json", ".reply.json"))) for file in files
    ]


def headers_of(client: str) -> dict[str, str]:
    headers: dict[str, str] = _read(FOLDER / client / "client.json")["headers"]
    return headers


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


async def replay(market: Market, client: str) -> list[tuple[Call, Json]]:
    """Every reply of a walk, with names in place of what differs from run to run."""
    names = await _named(market)
    if _read(FOLDER / client / "client.json").get("strict"):
        await _make_strict(market)
    market.wait(microseconds=TICKS)
    found = []
    for number, call in enumerate(calls_of(client)):
        if "wait" in call.request:
            market.wait(seconds=call.request["wait"])
            await market.work()
        reply = await _send(market, client, number, names.fill(call.request))
        body = reply.json() if reply.content else None
        if "keep" in call.request:
            names.values[call.request["keep"]] = body
        found.append((call, {"status": reply.status_code, "body": names.hide(body)}))
    return found


async def _named(market: Market) -> Names:
    """The sample's ids that requests name."""
    names = Names()
    shelf = await stock(market)
    names.give("customer", market.customer(COUNTRY))
    names.give("template", template_of(AgreementType.MICROSOFT_CUSTOMER_AGREEMENT).id)
    items = {plan: shelf[plan] for plan in NAMED_PLANS} | {"trial": shelf.trial("plain")}
    for plan, item in items.items():
        product, names.values[f"{plan}.sku"], availability = item.split(":")
        names.give("product", product)
        names.give(f"{plan}.availability", availability)
        names.values[f"{plan}.item"] = item
    return names


async def _make_strict(market: Market) -> None:
    account_id = (await market.account()).id

    async def work(tx: Tx) -> None:
        await tx.run(MAKE_STRICT, account_id=account_id)

    await market.write(work)


async def _send(market: Market, client: str, number: int, request: Mapping[str, Any]) -> Any:
    headers = headers_of(client)
    if "MS-RequestId" in headers:
        headers["MS-RequestId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{client}/{number}"))
    raw = request.get("raw")
    if "body" in request:
        raw = json.dumps(request["body"], ensure_ascii=False)
    if raw is None:
        del headers["Content-Type"]
    return await market.call(
        request["method"],
        request["path"],
        user=ADMIN,
        headers=headers,
        raw=None if raw is None else raw.encode(),
    )


def text_of(reply: Json) -> str:
    """A reply as its file holds it."""
    return json.dumps(reply, ensure_ascii=False, indent=2) + "\n"
