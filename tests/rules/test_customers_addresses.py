"""Addresses: each country's own forms, and what every country refuses."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.customers_factory import ADDRESSES

from comptoir.core.errors import Code, Refusal
from comptoir.customers.addresses import AddressProblem, find_problem, require_valid
from comptoir.customers.countries import COUNTRIES
from comptoir.customers.model import Address
from comptoir.customers.states import STATES

GOOD_POSTAL_CODES = {
    "US": ["98052", "98052-6399"], "CA": ["K1A 0B1", "k1a0b1"], "GB": ["SW1A 1AA", "m1 1ae", "EC1A1BB"],
    "FR": ["75008"], "DE": ["07743"], "JP": ["100-0001", "1000001"], "NL": ["1012 AB", "1012ab"],
    "BR": ["01310-100"], "PL": ["00-950"], "PT": ["1100-148"], "SE": ["111 22"], "IE": ["D02 X285", ""],
    "HK": ["", "999077"], "AE": [""], "IN": ["110001"], "AU": ["2000"], "KR": ["04524"], "LT": ["LT-01103"],
}  # fmt: skip
BAD_POSTAL_CODES = {
    "US": ["9805", "ABCDE", "98052-63", ""], "CA": ["D1A 0B1", "12345"], "GB": ["1AA SW1A", ""],
    "FR": ["7500", "75008-1", "F-75008"], "DE": ["7743"], "JP": ["10-0001"], "NL": ["0012 AB", "1012"],
    "PL": ["00950"], "CN": ["1000"], "MX": ["6600"],
}  # fmt: skip


def address(country: str, **changes: Any) -> Address:
    state = next(iter(STATES.get(country, {"": ()})), "") or (
        "SP" if COUNTRIES[country].is_state_required else ""
    )
    base = Address(country=country, city="Somewhere", state=state, address_line1="1 High Street")
    return replace(base, **changes)


def problem(wanted: Address) -> AddressProblem:
    found = find_problem(wanted)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("country", "code"), [(country, code) for country, codes in GOOD_POSTAL_CODES.items() for code in codes]
)
def test_a_postal_code_of_the_country(country: str, code: str) -> None:
    assert find_problem(address(country, postal_code=code)) is None


@pytest.mark.parametrize(
    ("country", "code"), [(country, code) for country, codes in BAD_POSTAL_CODES.items() for code in codes]
)
def test_a_postal_code_of_no_country(country: str, code: str) -> None:
    assert problem(address(country, postal_code=code)).member == "postalCode"


@pytest.mark.parametrize(
    ("country", "postal_code", "state"),
    [
        ("US", "98052", "WA"), ("US", "98052", "wa"), ("US", "98052", "Washington"), ("US", "96910", "GU"),
        ("CA", "H2X 1Y4", "QC"), ("CA", "H2X 1Y4", "québec"), ("CN", "100000", "BJ"),
        ("CN", "100000", "北京市"),
        ("MX", "06600", "CMX"), ("MX", "06600", "ciudad de méxico"), ("MX", "06600", "CDMX"),
    ],
)  # fmt: skip
def test_a_state_by_code_or_name(country: str, postal_code: str, state: str) -> None:
    assert find_problem(address(country, postal_code=postal_code, state=state)) is None


@pytest.mark.parametrize(
    ("country", "postal_code", "state"),
    [("US", "98052", "ZZ"), ("CA", "H2X 1Y4", "WA"), ("CN", "100000", "Atlantis"), ("MX", "06600", "QC"),
     ("US", "98052", ""), ("US", "98052", "   ")],
)  # fmt: skip
def test_a_state_that_the_country_does_not_have(country: str, postal_code: str, state: str) -> None:
    assert problem(address(country, postal_code=postal_code, state=state)).member == "state"


def test_only_four_countries_check_states_against_a_list() -> None:
    assert {country.iso2 for country in COUNTRIES.values() if country.states} == {"US", "CA", "CN", "MX"}
    assert find_problem(address("AU", postal_code="2000", state="anything goes")) is None


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"country": "XX"}, "country"),
        ({"country": ""}, "country"),
        ({"country": "France"}, "country"),
        ({"address_line1": ""}, "addressLine1"),
        ({"address_line1": "x" * 201}, "addressLine1"),
        ({"address_line2": "x" * 201}, "addressLine2"),
        ({"address_line3": "x" * 201}, "addressLine3"),
        ({"city": ""}, "city"),
        ({"city": "x" * 101}, "city"),
        ({"first_name": "x" * 51}, "firstName"),
        ({"middle_name": "x" * 51}, "middleName"),
        ({"last_name": "x" * 51}, "lastName"),
        ({"postal_code": "1" * 21}, "postalCode"),
        ({"phone_number": "call me"}, "phoneNumber"),
        ({"phone_number": "1" * 41}, "phoneNumber"),
        ({"email_address": "x" * 255}, "emailAddress"),
    ],
)
def test_the_faulty_member_is_named(change: dict[str, Any], member: str) -> None:
    assert problem(replace(ADDRESSES["FR"], **change)).member == member


def test_texts_of_the_greatest_length_are_accepted() -> None:
    longest = replace(ADDRESSES["FR"], address_line1="x" * 200, address_line2="y" * 200, first_name="z" * 50)
    assert find_problem(longest) is None


def test_a_city_state_needs_no_city() -> None:
    assert find_problem(address("SG", city="", postal_code="018956")) is None


def test_the_refusal_tells_where_and_why() -> None:
    with pytest.raises(Refusal) as caught:
        require_valid(replace(ADDRESSES["US"], postal_code="1"), "billingProfile.defaultAddress")
    assert caught.value.code is Code.ADDRESS_INVALID
    assert caught.value.facts["member"] == "billingProfile.defaultAddress.postalCode"
    assert "^" in caught.value.description


@given(
    st.builds(
        Address,
        country=st.sampled_from(sorted(COUNTRIES)) | st.text(max_size=4),
        state=st.text(max_size=30),
        city=st.text(max_size=30),
        address_line1=st.text(max_size=30),
        postal_code=st.text(max_size=30),
        phone_number=st.text(max_size=50),
    )
)
def test_any_address_gets_a_verdict(wanted: Address) -> None:
    found = find_problem(wanted)
    if found is None:
        assert wanted.country.upper() in COUNTRIES
        assert wanted.address_line1.strip()


@pytest.mark.parametrize("country", list(COUNTRIES.values()), ids=list(COUNTRIES))
def test_the_data_of_a_country_hold_together(country: Any) -> None:
    assert re.fullmatch("[A-Z]{2}", country.iso2)
    assert country.cultures
    assert all(re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?-[A-Z]{2}", culture) for culture in country.cultures)
    assert all(culture.endswith(f"-{country.iso2}") for culture in country.cultures)
    assert all(re.fullmatch(r"[1-9][0-9]{0,2}(-[0-9]{3})?", code) for code in country.calling_codes)
    assert country.default_culture == country.cultures[0]
    for pattern in (country.postal_code_pattern, country.vat_id_pattern, country.registration_pattern):
        re.compile(pattern)
    assert re.fullmatch(country.phone_pattern, f"+{country.calling_codes[0]} 555 0100 22")
    assert bool(country.tax_id_format) is country.is_tax_id_supported
    if country.tax_id_format:
        assert re.fullmatch(_picture(country.tax_id_format), country.tax_id_sample)


def _picture(picture: str) -> str:
    kinds = {"9": "[0-9]", "A": "[A-Z]", "X": "[A-Z0-9]"}
    return "".join(kinds.get(character, re.escape(character)) for character in picture)


def test_the_data_reach_far_enough() -> None:
    assert len(COUNTRIES) >= 60
    assert [len(STATES[country]) for country in ("US", "CA", "CN", "MX")] == [60, 13, 31, 32]
