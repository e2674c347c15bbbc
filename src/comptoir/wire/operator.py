"""The operator API: the accounts of this installation and their settings.

Not part of Partner Center: the one who runs Comptoir uses it, with the operator's token.
"""

from collections.abc import Mapping, Sequence

from msgspec import UNSET, UnsetType

from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.types import Body, Reply

SettingOnWire = str | int | bool
ACCOUNTS = "/operator/v1/accounts"


class AccountAddress(Reply, kw_only=True):
    """The postal address of the partner's own company."""

    line1: str
    city: str
    postal_code: str
    country: str
    state: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET


class OperatorAccount(Reply, kw_only=True):
    """An account. ``settings`` are in force, a limit of ``none`` is no limit; ``overrides`` are the
    operator's own values among them, the others follow from kind and profile.
    """

    name: str
    tenant_id: str
    kind: str
    profile: str
    domain: str
    company_name: str
    country: str
    currency: str
    mpn_id: str
    is_indirect_provider: bool
    email: str
    language: str
    culture: str
    address: AccountAddress
    settings: Mapping[str, SettingOnWire]
    overrides: Mapping[str, SettingOnWire]


class OperatorAccounts(Reply, kw_only=True):
    """A page of accounts by name. ``next_after`` is there if more follow: ask again with it as ``after``."""

    items: Sequence[OperatorAccount]
    next_after: str | UnsetType = UNSET


class SettingsBody(Body, kw_only=True):
    """What to change. In ``overrides`` a limit of ``none`` is no limit, and ``default`` takes the override
    of a setting away.
    """

    profile: str | int | None = None
    overrides: dict[str, SettingOnWire] | None = None


OPERATIONS = (
    Operation(
        id="operator.accounts_list",
        method="GET",
        path=ACCOUNTS,
        summary="List the accounts of this installation by name, 500 at a time",
        reply=OperatorAccounts,
        audience=Audience.OPERATOR,
        query=(Query("after", "Name of the last account of the page before."),),
    ),
    Operation(
        id="operator.accounts_get",
        method="GET",
        path=ACCOUNTS + "/{name}",
        summary="Read an account with its settings in force",
        reply=OperatorAccount,
        audience=Audience.OPERATOR,
        errors=("404/1000",),
    ),
    Operation(
        id="operator.settings_update",
        method="PATCH",
        path=ACCOUNTS + "/{name}/settings",
        summary="Change the profile or single settings of an account, from the next request on",
        request=SettingsBody,
        reply=OperatorAccount,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/3000", "400/900126", "404/1000"),
    ),
)
