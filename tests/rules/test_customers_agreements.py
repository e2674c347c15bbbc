"""What a confirmation of an agreement must hold."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.customers_factory import NOW

from comptoir.core.errors import Code, Refusal
from comptoir.customers import agreements
from comptoir.customers.model import Agreement, AgreementDraft, AgreementType, Contact

TEMPLATE = agreements.template_of(AgreementType.MICROSOFT_CUSTOMER_AGREEMENT)
CONTACT = Contact("Aimée", "Lenoir", "aimee@rive-gauche.example", "+33 4 65 71 00 00")
DRAFT = AgreementDraft(CONTACT, TEMPLATE.id, "MicrosoftCustomerAgreement", NOW)


def confirm(
    draft: AgreementDraft, *earlier: Agreement, now: datetime = NOW, wall: datetime = NOW
) -> Agreement:
    return agreements.confirmed(draft, earlier, agreement_id="a", user_id="u", now=now, wall=wall)


def refused(draft: AgreementDraft, *earlier: Agreement) -> tuple[Code, object]:
    with pytest.raises(Refusal) as caught:
        confirm(draft, *earlier)
    return caught.value.code, caught.value.facts.get("member")


def test_a_confirmation_keeps_contact_user_and_date() -> None:
    made = confirm(DRAFT)
    assert made == Agreement(
        "a", AgreementType.MICROSOFT_CUSTOMER_AGREEMENT, TEMPLATE.id, CONTACT, "u", NOW, NOW
    )


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"contact": None}, "primaryContact"),
        ({"contact": replace(CONTACT, first_name="")}, "primaryContact.firstName"),
        ({"contact": replace(CONTACT, last_name=" ")}, "primaryContact.lastName"),
        ({"contact": replace(CONTACT, email="")}, "primaryContact.email"),
        ({"contact": replace(CONTACT, email="nobody")}, "primaryContact.email"),
        ({"contact": replace(CONTACT, first_name="x" * 51)}, "primaryContact.firstName"),
        ({"contact": replace(CONTACT, phone_number="1" * 41)}, "primaryContact.phoneNumber"),
        ({"type": ""}, "type"),
        ({"type": "Handshake"}, "type"),
        ({"template_id": ""}, "templateId"),
        ({"template_id": TEMPLATE.id.upper()}, "templateId"),
        ({"type": "MicrosoftCloudAgreement"}, "templateId"),
        ({"agreed_at": None}, "dateAgreed"),
        ({"agreed_at": NOW + timedelta(minutes=5, seconds=1)}, "dateAgreed"),
    ],
)
def test_a_faulty_member_is_named(change: dict[str, Any], member: str) -> None:
    assert refused(replace(DRAFT, **change)) == (Code.INVALID_PROPERTY, member)


def test_the_future_begins_after_the_later_of_the_two_clocks() -> None:
    tomorrow = replace(DRAFT, agreed_at=NOW + timedelta(days=1))
    assert confirm(tomorrow, now=NOW + timedelta(days=2)).agreed_at == tomorrow.agreed_at
    assert confirm(tomorrow, wall=NOW + timedelta(days=2)).agreed_at == tomorrow.agreed_at
    assert refused(tomorrow) == (Code.INVALID_PROPERTY, "dateAgreed")


@pytest.mark.parametrize(
    ("change", "is_repeated"),
    [
        ({}, True),
        ({"email": "AIMEE@rive-gauche.example"}, True),
        ({"first_name": "Aimee"}, False),
        ({"last_name": "Leblanc"}, False),
        ({"email": "a.lenoir@rive-gauche.example"}, False),
        ({"phone_number": ""}, False),
    ],
)
def test_the_same_contact_confirms_once(change: dict[str, str], is_repeated: bool) -> None:
    first = confirm(DRAFT)
    again = replace(DRAFT, contact=replace(CONTACT, **change))
    if is_repeated:
        assert refused(again, first)[0] is Code.AGREEMENT_REPEATED
    else:
        assert confirm(again, first).contact == again.contact


def test_the_same_contact_may_confirm_another_agreement() -> None:
    cloud = agreements.template_of(AgreementType.MICROSOFT_CLOUD_AGREEMENT)
    other = replace(DRAFT, type=cloud.type.value, template_id=cloud.id)
    assert confirm(other, confirm(DRAFT)).type is cloud.type


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, AgreementType.MICROSOFT_CLOUD_AGREEMENT),
        ("*", None),
        ("MicrosoftCustomerAgreement", AgreementType.MICROSOFT_CUSTOMER_AGREEMENT),
        ("microsoftcustomeragreement", AgreementType.MICROSOFT_CUSTOMER_AGREEMENT),
    ],
)
def test_the_type_that_a_list_is_asked_for(text: str | None, wanted: AgreementType | None) -> None:
    assert agreements.wanted_type(text) is wanted


@pytest.mark.parametrize(
    ("template_id", "country"),
    [("unknown", "US"), (TEMPLATE.id.upper(), "US"), (TEMPLATE.id, "us"), (TEMPLATE.id, "XX")],
)
def test_template_and_country_of_a_document_match_in_exact_case(template_id: str, country: str) -> None:
    with pytest.raises(Refusal) as caught:
        agreements.judge_document(template_id, None, country)
    assert caught.value.code is Code.NOT_FOUND


def test_a_document_is_in_english_for_the_united_states_unless_asked_otherwise() -> None:
    assert agreements.judge_document(TEMPLATE.id, None, None) == (TEMPLATE, "en-US", "US")
    assert agreements.judge_document(TEMPLATE.id, "fr-FR", "FR") == (TEMPLATE, "fr-FR", "FR")


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("fr", "fr"),
        ("zh-Hans-CN", "zh-Hans-CN"),
        (" fr-FR ", "fr-FR"),
        ("", "en-US"),
        ("f", "en-US"),
        ("fr_FR", "en-US"),
        ("fr-FR\r\nX-Evil: 1", "en-US"),
        ("fr-FR\n", "fr-FR"),
        ("<b>", "en-US"),
        ("ﬁ-FI", "en-US"),
        ("fr" * 100, "en-US"),
    ],
)
def test_what_is_no_language_stands_for_the_default(asked: str, language: str) -> None:
    assert agreements.judge_document(TEMPLATE.id, asked, None)[1] == language


def test_there_is_one_template_for_each_type() -> None:
    assert {template.type for template in agreements.TEMPLATES} == set(AgreementType)
    assert len({template.id for template in agreements.TEMPLATES}) == len(agreements.TEMPLATES)
