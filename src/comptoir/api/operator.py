"""The operator's view of accounts and their settings."""

from collections.abc import Mapping
from dataclasses import asdict

from msgspec import UNSET

from comptoir.api.call import Call, Handler
from comptoir.core.accounts import Profile
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.identity.model import AccountRecord, Address, SettingsChange, SettingValue
from comptoir.wire.operator import (
    AccountAddress,
    OperatorAccount,
    OperatorAccounts,
    SettingOnWire,
    SettingsBody,
)

PAGE_SIZE = 500
NO_LIMIT = "none"
RESET = "default"


async def list_accounts(tx: Tx, ctx: Context, call: Call) -> OperatorAccounts:
    """One page; the one after it is asked for by the last name of this one."""
    records = await identity.list_accounts(tx, after=call.query.get("after") or "", most=PAGE_SIZE + 1)
    page = records[:PAGE_SIZE]
    has_more = len(records) > len(page)
    return OperatorAccounts(
        items=[to_wire(record) for record in page],
        next_after=page[-1].account.name if has_more else UNSET,
    )


async def get_account(tx: Tx, ctx: Context, call: Call) -> OperatorAccount:
    return to_wire(await identity.require_account(tx, call.path["name"]))


async def update_settings(tx: Tx, ctx: Context, call: Call) -> OperatorAccount:
    """An empty body changes nothing and answers the account as it is."""
    change = from_wire(call.body or SettingsBody())
    return to_wire(await identity.update_settings(tx, ctx, call.path["name"], change))


HANDLERS: Mapping[str, Handler] = {
    "operator.accounts_list": list_accounts,
    "operator.accounts_get": get_account,
    "operator.settings_update": update_settings,
}


def from_wire(body: SettingsBody) -> SettingsChange:
    """The change that a body asks for. Which settings and values exist is for the rules to say."""
    overrides = body.overrides or {}
    return SettingsChange(
        profile=None if body.profile is None else _profile(body.profile),
        set={name: _value(value) for name, value in overrides.items() if value != RESET},
        reset=frozenset(name for name, value in overrides.items() if value == RESET),
    )


def to_wire(record: AccountRecord) -> OperatorAccount:
    account, organization = record.account, record.organization
    return OperatorAccount(
        name=account.name,
        tenant_id=account.id,
        kind=account.kind,
        profile=account.profile,
        domain=account.domain,
        company_name=account.company_name,
        country=account.country,
        currency=account.currency,
        mpn_id=account.mpn_id,
        is_indirect_provider=account.is_indirect_provider,
        email=organization.email,
        language=organization.language,
        culture=organization.culture,
        address=_address_to_wire(organization.address),
        settings=_settings_to_wire(asdict(account.settings)),
        overrides=_settings_to_wire(record.overrides),
    )


def _profile(value: str | int) -> Profile:
    try:
        return Profile(str(value).lower())
    except ValueError as error:
        raise Refusal(Code.UNKNOWN_ENUM_VALUE, member="profile", value=value) from error


def _value(value: SettingOnWire) -> SettingValue:
    return None if value == NO_LIMIT else value


def _settings_to_wire(settings: Mapping[str, SettingValue]) -> dict[str, SettingOnWire]:
    return {name: NO_LIMIT if value is None else value for name, value in settings.items()}


def _address_to_wire(address: Address) -> AccountAddress:
    return AccountAddress(
        line1=address.line1,
        city=address.city,
        postal_code=address.postal_code,
        country=address.country,
        state=address.state or UNSET,
        phone=address.phone or UNSET,
    )
