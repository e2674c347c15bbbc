"""Agreements: which there are, and what a confirmation must hold (``20`` section 8.1)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from comptoir.core.errors import Code, Refusal
from comptoir.customers.addresses import EMAIL_MAX, NAME_MAX, PHONE_MAX
from comptoir.customers.countries import COUNTRIES
from comptoir.customers.model import Agreement, AgreementDraft, AgreementTemplate, AgreementType, Contact
from comptoir.customers.rules import is_culture

TEMPLATES = (
    AgreementTemplate("998b88de-aa99-4388-a42c-1b3517d49490", AgreementType.MICROSOFT_CLOUD_AGREEMENT, 1),
    AgreementTemplate("117a77b0-9360-443b-8795-c6dedc750cf9", AgreementType.MICROSOFT_CUSTOMER_AGREEMENT, 1),
)
"""One template for each type, with ids that never change."""

ALL_TYPES = "*"
DEFAULT_LANGUAGE = "en-US"
DEFAULT_COUNTRY = "US"
DOCUMENT_LIFE = timedelta(minutes=5)
"""How long the link to an agreement's text works."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far a caller's clock may run ahead of ours before its "now" counts as the future."""


@dataclass(frozen=True, slots=True)
class DocumentTicket:
    """What the link to an agreement's text is signed over. ``nonce`` makes each link differ."""

    template_id: str
    language: str
    country: str
    expires_at: datetime
    nonce: str

    def encode(self) -> bytes:
        """The bytes to sign."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, payload: bytes) -> "DocumentTicket":
        """The inverse of ``encode``, for bytes that were signed here."""
        return msgspec.json.decode(payload, type=cls)


def template_of(agreement_type: AgreementType) -> AgreementTemplate:
    """The template of a type."""
    return next(template for template in TEMPLATES if template.type is agreement_type)


def wanted_type(text: str | None) -> AgreementType | None:
    """The type that a list is asked for, by name in any case: the cloud agreement if none is named.

    ``None`` stands for all of them, which callers write as ``*``.
    """
    if text is None:
        return AgreementType.MICROSOFT_CLOUD_AGREEMENT
    return None if text.strip() == ALL_TYPES else _type(text, "agreementType")


def judge_document(
    template_id: str, language: str | None, country: str | None
) -> tuple[AgreementTemplate, str, str]:
    """The template, language and country of a document. Template id and country match in exact case.

    The text exists in one language, so any may be asked for; what is none stands for the default.
    """
    template = next((known for known in TEMPLATES if known.id == template_id), None)
    market = country or DEFAULT_COUNTRY
    if template is None or market not in COUNTRIES:
        raise Refusal(Code.NOT_FOUND)
    asked = (language or "").strip()
    return template, asked if is_culture(asked) else DEFAULT_LANGUAGE, market


def confirmed(
    draft: AgreementDraft,
    earlier: Collection[Agreement],
    *,
    agreement_id: str,
    user_id: str,
    now: datetime,
    wall: datetime,
) -> Agreement:
    """The agreement that an acceptable confirmation makes.

    A sandbox account's clock may stand in the past while its callers live in the present, so a date is in
    the future only if it lies after both times.
    """
    contact = _judge_contact(draft.contact)
    agreement_type = _type(_required("type", draft.type), "type")
    if draft.template_id != template_of(agreement_type).id:
        raise _invalid("templateId", f"it is not the current template of {agreement_type}.")
    if draft.agreed_at is None:
        raise _invalid("dateAgreed", "it is required.")
    if draft.agreed_at > max(now, wall) + CLOCK_SKEW:
        raise _invalid("dateAgreed", "it lies in the future.")
    if any(known.type is agreement_type and _key(known.contact) == _key(contact) for known in earlier):
        raise Refusal(Code.AGREEMENT_REPEATED)
    return Agreement(agreement_id, agreement_type, draft.template_id, contact, user_id, draft.agreed_at, now)


def _judge_contact(contact: Contact | None) -> Contact:
    if contact is None:
        raise _invalid("primaryContact", "it is required.")
    members = {
        "firstName": (contact.first_name, NAME_MAX),
        "lastName": (contact.last_name, NAME_MAX),
        "email": (contact.email, EMAIL_MAX),
    }
    for member, (text, longest) in members.items():
        if len(_required(f"primaryContact.{member}", text)) > longest:
            raise _invalid(f"primaryContact.{member}", f"it is longer than {longest} characters.")
    if "@" not in contact.email:
        raise _invalid("primaryContact.email", "its form is not valid.")
    if len(contact.phone_number) > PHONE_MAX:
        raise _invalid("primaryContact.phoneNumber", f"it is longer than {PHONE_MAX} characters.")
    return contact


def _key(contact: Contact) -> tuple[str, ...]:
    """What makes two contacts the same: spaces and the case of the mail address do not count."""
    texts = (contact.first_name, contact.last_name, contact.email.lower(), contact.phone_number)
    return tuple(text.strip() for text in texts)


def _type(text: str, member: str) -> AgreementType:
    wanted = text.strip().lower()
    found = next((known for known in AgreementType if known.value.lower() == wanted), None)
    if found is None:
        raise _invalid(member, f"{text[:100]!r} is not an agreement type.")
    return found


def _required(member: str, text: str) -> str:
    if not text.strip():
        raise _invalid(member, "it is required.")
    return text


def _invalid(member: str, reason: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=member, reason=reason)
