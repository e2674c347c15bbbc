"""The sample marketplace as an operator would write it: files of accounts, customers and catalogue."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from comptoir.core.accounts import AccountKind, Profile
from comptoir.core.context import Role
from comptoir.customers.model import Address as CustomerAddress
from comptoir.customers.model import BillingProfileDraft, CustomerDraft
from comptoir.identity.model import AccountDraft, Address, Organization


class SampleUser(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    user_name: str
    display_name: str
    role: Role


class SampleAddress(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    line1: str
    city: str
    postal_code: str
    state: str = ""
    phone: str = ""


class SampleAccount(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """An account with its users; one application is registered for it."""

    name: str
    kind: AccountKind
    domain: str
    company_name: str
    country: str
    currency: str
    mpn_id: str
    email: str
    language: str
    culture: str
    address: SampleAddress
    users: tuple[SampleUser, ...]
    profile: Profile = Profile.RELAXED

    def draft(self) -> AccountDraft:
        """The account as identity creates it."""
        address = self.address
        return AccountDraft(
            name=self.name,
            kind=self.kind,
            profile=self.profile,
            domain=self.domain,
            company_name=self.company_name,
            country=self.country,
            currency=self.currency,
            mpn_id=self.mpn_id,
            organization=Organization(
                email=self.email,
                language=self.language,
                culture=self.culture,
                address=Address(
                    line1=address.line1,
                    city=address.city,
                    postal_code=address.postal_code,
                    country=self.country,
                    state=address.state,
                    phone=address.phone,
                ),
            ),
        )


class SampleContact(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    first_name: str
    last_name: str
    email: str
    phone_number: str = ""


class SampleCustomer(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A customer of one account, whose contact has accepted the customer agreement."""

    account: str
    domain: str
    company_name: str
    email: str
    culture: str
    language: str
    address: dict[str, str]
    contact: SampleContact
    registration_number: str = ""

    def draft(self) -> CustomerDraft:
        """The customer as the partner would create it."""
        return CustomerDraft(
            domain=self.domain,
            registration_number=self.registration_number,
            billing=BillingProfileDraft(
                email=self.email,
                culture=self.culture,
                language=self.language,
                company_name=self.company_name,
                default_address=CustomerAddress(**self.address),
                first_name=self.contact.first_name,
                last_name=self.contact.last_name,
            ),
        )


DEFAULT_ACCOUNTS = tuple(
    SampleAccount(
        name=kind.value,
        kind=kind,
        domain=f"{kind.value}.example",
        company_name="My company",
        country="US",
        currency="USD",
        mpn_id=mpn_id,
        email="partner@production.example",
        language="en",
        culture="en-US",
        address=SampleAddress(line1="1 Main Street", city="Redmond", state="WA", postal_code="98052"),
        users=(SampleUser(f"admin@{kind.value}.example", "Administrator", Role.ADMIN_AGENTS),),
    )
    for kind, mpn_id in ((AccountKind.PRODUCTION, "1000001"), (AccountKind.SANDBOX, "1000002"))
)
"""What ``comptoir init`` makes without the sample."""


def folder() -> Path:
    """The sample's folder: inside the installed package, or at the root of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "sample"
    return installed if installed.is_dir() else package.parents[1] / "sample"


def read_accounts() -> tuple[SampleAccount, ...]:
    return msgspec.convert(_read("accounts.yaml"), tuple[SampleAccount, ...])


def read_customers() -> tuple[SampleCustomer, ...]:
    return msgspec.convert(_read("customers.yaml"), tuple[SampleCustomer, ...])


def read_catalogue() -> Sequence[tuple[str, str]]:
    """Name and text of every catalogue file."""
    files = sorted((folder() / "catalog").glob("*.yaml"))
    return [(file.name, file.read_text(encoding="utf-8")) for file in files]


def read_rates() -> Sequence[tuple[str, str]]:
    """Name and text of the files of exchange rates and tax rates."""
    files = sorted((folder() / "rates").glob("*.csv"))
    return [(file.name, file.read_text(encoding="utf-8")) for file in files]


def _read(name: str) -> Any:
    return yaml.safe_load((folder() / name).read_text(encoding="utf-8"))
