"""Whether an address can be right: country, city, state, postal code, lengths (``20`` section 8.3)."""

import re
from dataclasses import dataclass
from functools import cache

from comptoir.core.errors import Code, Refusal
from comptoir.customers.countries import COUNTRIES
from comptoir.customers.model import Address, CountryRules

LINE_MAX = 200
NAME_MAX = 50
PLACE_MAX = 100
POSTAL_CODE_MAX = 20
PHONE_MAX = 40
EMAIL_MAX = 254

_LENGTHS = {
    "address_line1": LINE_MAX, "address_line2": LINE_MAX, "address_line3": LINE_MAX,
    "first_name": NAME_MAX, "middle_name": NAME_MAX, "last_name": NAME_MAX,
    "city": PLACE_MAX, "state": PLACE_MAX, "region": PLACE_MAX, "district": PLACE_MAX,
    "postal_code": POSTAL_CODE_MAX, "phone_number": PHONE_MAX, "email_address": EMAIL_MAX, "id": PLACE_MAX,
}  # fmt: skip
"""Longest texts, in characters (section 6)."""

_WIRE_NAMES = {
    "address_line1": "addressLine1", "address_line2": "addressLine2", "address_line3": "addressLine3",
    "first_name": "firstName", "middle_name": "middleName", "last_name": "lastName",
    "postal_code": "postalCode", "phone_number": "phoneNumber", "email_address": "emailAddress",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AddressProblem:
    """What is wrong with which member of an address, the member in wire spelling."""

    member: str
    reason: str


def require_valid(address: Address, path: str = "") -> None:
    """Refuse an address that cannot be right; ``path`` is where it stands in the request."""
    problem = find_problem(address)
    if problem is not None:
        member = f"{path}.{problem.member}" if path else problem.member
        raise Refusal(Code.ADDRESS_INVALID, reason=problem.reason, member=member)


def find_problem(address: Address) -> AddressProblem | None:
    """The first thing wrong with an address, or ``None``."""
    rules = COUNTRIES.get(address.country.upper())
    if rules is None:
        return AddressProblem("country", f"the country {address.country[:PLACE_MAX]!r} is not known.")
    return (
        _length_problem(address)
        or _missing_problem(address, rules)
        or _state_problem(address, rules)
        or _postal_code_problem(address, rules)
        or _phone_problem(address, rules)
    )


def has_unknown_state(state: str, rules: CountryRules) -> bool:
    """Whether a country with a list of states does not have this one, by code or by name in any case."""
    return bool(rules.states) and state.strip().casefold() not in _known_states(rules.iso2)


@cache
def _known_states(iso2: str) -> frozenset[str]:
    states = COUNTRIES[iso2].states
    names = (name for names in states.values() for name in names)
    return frozenset(name.casefold() for name in (*states, *names))


def _length_problem(address: Address) -> AddressProblem | None:
    for name, longest in _LENGTHS.items():
        if len(getattr(address, name)) > longest:
            return AddressProblem(_wire_name(name), f"it is longer than {longest} characters.")
    return None


def _missing_problem(address: Address, rules: CountryRules) -> AddressProblem | None:
    required = {
        "address_line1": True,
        "city": rules.is_city_required,
        "state": rules.is_state_required,
        "postal_code": rules.is_postal_code_required,
    }
    for name, is_required in required.items():
        if is_required and not getattr(address, name).strip():
            return AddressProblem(_wire_name(name), f"it is required in {rules.name}.")
    return None


def _state_problem(address: Address, rules: CountryRules) -> AddressProblem | None:
    if address.state and has_unknown_state(address.state, rules):
        return AddressProblem("state", f"{address.state!r} is not a state of {rules.name}.")
    return None


def _postal_code_problem(address: Address, rules: CountryRules) -> AddressProblem | None:
    code = address.postal_code.strip()
    if code and rules.postal_code_pattern and not _matches(rules.postal_code_pattern, code):
        return AddressProblem("postalCode", f"it does not match {rules.postal_code_pattern}.")
    return None


def _phone_problem(address: Address, rules: CountryRules) -> AddressProblem | None:
    phone = address.phone_number.strip()
    if phone and not any(digit.isdigit() for digit in phone):
        return AddressProblem("phoneNumber", f"it is not a phone number of {rules.name}.")
    return None


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.IGNORECASE) is not None


def _wire_name(name: str) -> str:
    return _WIRE_NAMES.get(name, name)
