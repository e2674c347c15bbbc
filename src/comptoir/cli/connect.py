"""``comptoir connect``."""

import base64
import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from comptoir.cli import profiles
from comptoir.cli.common import fail
from comptoir.cli.partner.target import HERE, Target, client, fresh_token, running_server

if TYPE_CHECKING:
    from comptoir.client import Comptoir

Language = Literal["curl", "dotnet", "java", "node", "powershell", "python"]

AUTHORITY_FILE = "authority.pem"
"""The own authority's certificate lies beside those that it issues."""

_PLACE = re.compile(r"\{\{(\w+)\}\}")
_TLS_ONLY, _PLAIN_ONLY = "{{tls}}", "{{plain}}"


@dataclass(frozen=True, slots=True)
class Values:
    """What a snippet is filled with. ``authority`` is a certificate file to trust, empty without TLS."""

    base_url: str
    authority: str
    tenant: str
    client_id: str
    token: str
    customer_id: str
    country: str
    product_id: str


def connect(language: Language, *, customer: str | None = None, target: Target = HERE) -> None:
    """Print a program that calls the running server, with live ids and a token that is valid for an hour.

    Parameters
    ----------
    language
        What the program is for: an official or community client, comptoir.client, or curl.
    customer
        Microsoft ID of the customer to ask about. Left out: the first one.
    """
    if target.name != profiles.LOCAL:
        fail("connect shows how to call the server of this machine: it knows no other profile")
    server = running_server(target)
    token = fresh_token(target)
    claims = _claims(token)
    with client(target) as service:
        customer_id, country, product_id = _live_ids(service, customer)
    values = Values(
        base_url=server.address,
        authority=_authority(server.certificate),
        tenant=claims["tid"],
        client_id=claims["appid"],
        token=token,
        customer_id=customer_id,
        country=country,
        product_id=product_id,
    )
    template = files("comptoir.cli").joinpath("snippets", f"{language}.txt").read_text(encoding="utf-8")
    print(render(template, values, QUOTED[language]), end="")


def render(template: str, values: Values, quoted: Callable[[str], str]) -> str:
    """A template with every ``{{name}}`` replaced by that value as a literal of its language.

    A line that begins with ``{{tls}}`` is for a server with TLS alone, one with ``{{plain}}`` for the others.
    """
    literals = {name: quoted(text) for name, text in asdict(values).items()}
    kept, dropped = (_TLS_ONLY, _PLAIN_ONLY) if values.authority else (_PLAIN_ONLY, _TLS_ONLY)
    lines = [line for line in template.splitlines() if not line.startswith(dropped)]
    chosen = [line.removeprefix(kept) for line in lines]
    return "".join(f"{_PLACE.sub(lambda place: literals[place[1]], line)}\n" for line in chosen)


def _powershell(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


QUOTED: Mapping[Language, Callable[[str], str]] = {
    "curl": shlex.quote,
    "dotnet": json.dumps,
    "java": json.dumps,
    "node": json.dumps,
    "powershell": _powershell,
    "python": json.dumps,
}


def _live_ids(service: "Comptoir", customer_id: str | None) -> tuple[str, str, str]:
    """A customer, its country, and a product that it may buy."""
    if customer_id is None:
        first = next(iter(service.customers.list(size=1)), None)
        if first is None:
            fail("the account has no customers; make some with: comptoir init --sample")
        customer_id = first.id
    customer = service.customers.get(customer_id)
    product = next(iter(service.products.list_for_customer(customer.id)), None)
    if product is None:
        fail(f"there is nothing for customer {customer.id} to buy; import a catalogue with: comptoir catalog")
    profile = service.customers.billing_profile(customer.id)
    return customer.id, profile.default_address.country or "", product.id


def _claims(token: str) -> Mapping[str, str]:
    """What our own token says; whoever minted it need not verify it."""
    payload = token.split(".")[1]
    claims: Mapping[str, str] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _authority(certificate: str) -> str:
    """Whom to trust: the authority that issued the server's certificate, else the certificate itself."""
    if not certificate:
        return ""
    beside = Path(certificate).with_name(AUTHORITY_FILE)
    return str(beside if beside.exists() else certificate)
