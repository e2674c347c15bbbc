"""Customer agreements on the wire (``20-subscriptions-customers`` section 8.1). They have no attributes."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.types import Body, Collection, Reply

FAMILY = "agreements"
CUSTOMER_ERRORS = ("400/900118", "404/60003", "403/20002")
USER_ERROR = "403/2032"
TYPE_QUERY = Query(
    "agreementType", "MicrosoftCustomerAgreement, MicrosoftCloudAgreement (the default), or * for all."
)


class AgreementMetaData(Reply, kw_only=True):
    """The current text of an agreement."""

    template_id: str
    agreement_type: str
    agreement_link: str
    version_rank: int


class Contact(Reply, kw_only=True):
    """Who accepted for the customer."""

    first_name: str
    last_name: str
    email: str
    phone_number: str | UnsetType = UNSET


class Agreement(Reply, kw_only=True):
    """A confirmation. Lists leave ``userId`` out, the answer to a new one ``agreementLink``."""

    user_id: str | UnsetType = UNSET
    primary_contact: Contact
    template_id: str
    date_agreed: datetime
    type: str
    agreement_link: str | UnsetType = UNSET


class AgreementDocument(Reply, kw_only=True):
    """Links to an agreement's text that work for five minutes."""

    display_uri: str
    download_uri: str
    language: str
    country: str


class DirectSignedStatus(Reply, kw_only=True):
    """Whether the customer signed by itself."""

    is_signed: bool


class ContactBody(Body):
    """Who accepted for the customer."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone_number: str | None = None


class AgreementBody(Body):
    """A confirmation. Who confirms is taken from the token."""

    primary_contact: ContactBody | None = None
    template_id: str | None = None
    date_agreed: datetime | None = None
    type: str | None = None


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="agreements.metadata_list",
        method="GET",
        path="/v1/agreements",
        summary="List the current agreements and their template ids.",
        reply=Collection[AgreementMetaData],
        query=(TYPE_QUERY,),
        errors=("400/3000", USER_ERROR),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="agreements.list",
        method="GET",
        path="/v1/customers/{customer_id}/agreements",
        summary="List what the customer has accepted, newest first.",
        reply=Collection[Agreement],
        query=(TYPE_QUERY,),
        errors=("400/3000", USER_ERROR, *CUSTOMER_ERRORS),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="agreements.create",
        method="POST",
        path="/v1/customers/{customer_id}/agreements",
        summary="Confirm that a contact of the customer accepted an agreement.",
        request=AgreementBody,
        reply=Agreement,
        status=201,
        mode=Mode.WRITE,
        errors=("400/3000", "400/800002", "409/600061", USER_ERROR, *CUSTOMER_ERRORS),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="agreements.document",
        method="GET",
        path="/v1/agreementtemplates/{template_id}/document",
        summary="Links to an agreement's text. Template id and country match in exact case.",
        reply=AgreementDocument,
        query=(
            Query("language", "Culture of the text, en-US if absent."),
            Query("country", "Two-letter code, US if absent."),
        ),
        errors=("404/1000", USER_ERROR),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="agreements.direct_signed_status",
        method="GET",
        path="/v1/customers/{customer_id}/directSignedMicrosoftCustomerAgreementStatus",
        summary="Whether the customer signed the customer agreement by itself.",
        reply=DirectSignedStatus,
        errors=(USER_ERROR, *CUSTOMER_ERRORS),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="agreements.text",
        method="GET",
        path="/agreements/{template_id}",
        summary="The text of an agreement, for people.",
        reply=None,
        audience=Audience.PUBLIC,
        media_type="text/plain",
        errors=("404/1000",),
    ),
    Operation(
        id="agreements.document_text",
        method="GET",
        path="/agreementdocuments/{token}",
        summary="The text of an agreement behind a link that works for five minutes.",
        reply=None,
        audience=Audience.PUBLIC,
        media_type="text/plain",
        query=(Query("download", "1 to save the text as a file."),),
        errors=("404/1000",),
    ),
)
