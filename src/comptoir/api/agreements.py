"""Customer agreements over HTTP: confirm one, list them, read their text."""

from collections.abc import Mapping

from comptoir.api.call import Answer, Call, Handler
from comptoir.api.reading import text_from_wire, text_to_wire
from comptoir.api.services import Services
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.customers import agreements, service_agreements
from comptoir.customers.model import Agreement, AgreementDraft, AgreementTemplate, Contact
from comptoir.db import Tx
from comptoir.identity import tokens
from comptoir.wire import agreements as wire
from comptoir.wire.types import Collection, collection

TEXT = """\
{title}
Version {version}, for {country}

This text stands in for the agreement between a customer and the vendor of a marketplace. It was written for
Comptoir and binds nobody: whoever runs a marketplace puts its own terms in its place.

1. The customer may use what its partner buys for it, as long as the subscription lasts.
2. The partner sells, invoices and supports; each publisher runs its own service under its own terms.
3. The partner keeps who accepted this agreement for the customer, and when.
"""


async def metadata_list(tx: Tx, ctx: Context, call: Call) -> Collection[wire.AgreementMetaData]:
    """``GET agreements``."""
    wanted = agreements.wanted_type(call.query.get("agreementType"))
    found = [template for template in agreements.TEMPLATES if wanted in {None, template.type}]
    return collection([_metadata_to_wire(template, ctx) for template in found], "/agreements")


async def list_agreements(tx: Tx, ctx: Context, call: Call) -> Collection[wire.Agreement]:
    """``GET customers/{c}/agreements``: without the confirming users."""
    wanted = agreements.wanted_type(call.query.get("agreementType"))
    customer_id = call.path["customer_id"]
    found = await service_agreements.list_for_customer(tx, ctx, customer_id, wanted)
    return collection(
        [
            _agreement_to_wire(agreement, agreement_link=_text_link(agreement.template_id, ctx))
            for agreement in found
        ],
        f"/customers/{customer_id.lower()}/agreements",
    )


async def create(tx: Tx, ctx: Context, call: Call) -> wire.Agreement:
    """``POST customers/{c}/agreements``: with the confirming user, without the link."""
    draft = _draft_from_wire(call.body or wire.AgreementBody())
    agreement = await service_agreements.confirm(tx, ctx, call.path["customer_id"], draft)
    return _agreement_to_wire(agreement, user_id=agreement.user_id)


async def document(tx: Tx, ctx: Context, call: Call) -> wire.AgreementDocument:
    """``GET agreementtemplates/{templateId}/document``."""
    template, language, country = agreements.judge_document(
        call.path["template_id"], call.query.get("language"), call.query.get("country")
    )
    token = service_agreements.document_token(ctx, template.id, language, country)
    uri = f"{ctx.public_base_url}/agreementdocuments/{token}"
    return wire.AgreementDocument(
        display_uri=uri, download_uri=f"{uri}?download=1", language=language, country=country
    )


async def direct_signed_status(tx: Tx, ctx: Context, call: Call) -> wire.DirectSignedStatus:
    """``GET customers/{c}/directSignedMicrosoftCustomerAgreementStatus``."""
    is_signed = await service_agreements.is_signed_directly(tx, ctx, call.path["customer_id"])
    return wire.DirectSignedStatus(is_signed=is_signed)


async def text(services: Services, call: Call) -> Answer:
    """The page that ``agreementLink`` leads to."""
    template, _, country = agreements.judge_document(call.path["template_id"], None, None)
    return _text_answer(template, country)


async def document_text(services: Services, call: Call) -> Answer:
    """The page that a document's links lead to while they live."""
    payload = tokens.open_opaque(services.secrets, service_agreements.AGREEMENT, call.path["token"])
    if payload is None:
        raise Refusal(Code.NOT_FOUND)
    ticket = agreements.DocumentTicket.decode(payload)
    if ticket.expires_at <= services.wall():
        raise Refusal(Code.NOT_FOUND)
    template, _, country = agreements.judge_document(ticket.template_id, ticket.language, ticket.country)
    return _text_answer(template, country, is_download=call.query.get("download") == "1")


def _draft_from_wire(body: wire.AgreementBody) -> AgreementDraft:
    contact = body.primary_contact
    return AgreementDraft(
        contact=None
        if contact is None
        else Contact(
            first_name=text_from_wire(contact.first_name),
            last_name=text_from_wire(contact.last_name),
            email=text_from_wire(contact.email),
            phone_number=text_from_wire(contact.phone_number),
        ),
        template_id=text_from_wire(body.template_id),
        type=text_from_wire(body.type),
        agreed_at=body.date_agreed,
    )


def _metadata_to_wire(template: AgreementTemplate, ctx: Context) -> wire.AgreementMetaData:
    return wire.AgreementMetaData(
        template_id=template.id,
        agreement_type=template.type.value,
        agreement_link=_text_link(template.id, ctx),
        version_rank=template.version_rank,
    )


def _agreement_to_wire(
    agreement: Agreement, *, user_id: str = "", agreement_link: str = ""
) -> wire.Agreement:
    contact = agreement.contact
    return wire.Agreement(
        user_id=text_to_wire(user_id),
        primary_contact=wire.Contact(
            first_name=contact.first_name,
            last_name=contact.last_name,
            email=contact.email,
            phone_number=text_to_wire(contact.phone_number),
        ),
        template_id=agreement.template_id,
        date_agreed=agreement.agreed_at,
        type=agreement.type.value,
        agreement_link=text_to_wire(agreement_link),
    )


def _text_link(template_id: str, ctx: Context) -> str:
    return f"{ctx.public_base_url}/agreements/{template_id}"


def _text_answer(template: AgreementTemplate, country: str, *, is_download: bool = False) -> Answer:
    body = TEXT.format(title=template.type.value, version=template.version_rank, country=country)
    headers = (
        {"Content-Disposition": f'attachment; filename="{template.type.value}.txt"'} if is_download else {}
    )
    return Answer(body.encode(), content_type="text/plain; charset=utf-8", headers=headers)


HANDLERS: Mapping[str, Handler] = {
    "agreements.metadata_list": metadata_list,
    "agreements.list": list_agreements,
    "agreements.create": create,
    "agreements.document": document,
    "agreements.direct_signed_status": direct_signed_status,
    "agreements.text": text,
    "agreements.document_text": document_text,
}
