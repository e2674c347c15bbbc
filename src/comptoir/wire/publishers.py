"""The operator API of publishers: who they are and where their sites are reached."""

from collections.abc import Sequence

from comptoir.wire.operation import Audience, Mode, Operation
from comptoir.wire.types import Body, Reply

PUBLISHERS = "/operator/v1/publishers"


class OperatorPublisher(Reply, kw_only=True):
    """A publisher and the application that it calls the marketplace as."""

    id: str
    name: str
    tenant_id: str
    application_id: str


class OperatorPublishers(Reply, kw_only=True):
    """Every publisher, by id."""

    items: Sequence[OperatorPublisher]


class PublisherSecretBody(Body):
    """The secret that the publisher's application signs in with; only a digest of it is kept."""

    client_secret: str | None = None


class EndpointsBody(Body):
    """Where the publisher's landing page and webhook are from now on, for all of its offers."""

    landing_page_url: str | None = None
    webhook_url: str | None = None


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="publishers.list",
        method="GET",
        path=PUBLISHERS,
        summary="List the publishers.",
        reply=OperatorPublishers,
        audience=Audience.OPERATOR,
    ),
    Operation(
        id="publishers.point",
        method="PUT",
        path=PUBLISHERS + "/{publisher_id}/endpoints",
        summary="Let a publisher's offers lead to another landing page and webhook.",
        request=EndpointsBody,
        reply=OperatorPublisher,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/3000", "404/1000"),
    ),
    Operation(
        id="publishers.register",
        method="PUT",
        path=PUBLISHERS + "/{publisher_id}/secret",
        summary="Let a publisher's application sign in with a secret, in place of the one that it had.",
        request=PublisherSecretBody,
        reply=OperatorPublisher,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/3000", "404/1000"),
    ),
)
