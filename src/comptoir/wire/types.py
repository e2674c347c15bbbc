"""What all wire structs are made of: base classes, links, collections and the two error bodies.

Rules of ``00-cross-cutting`` sections 5 to 7 and 11.1. A family file writes

``class Cart(Reply, kw_only=True):`` for an answer. A member that is always present has no default; one
that may be left out is ``T | UnsetType = UNSET``. Never ``None``: null is not written on this wire. Never
``omit_defaults``: it would also drop 0, false and empty lists. Names turn to camel case; where that
misspells one, give it with ``msgspec.field(name=...)``.

``class CartBody(Body):`` for a request. Every member is optional, ``T | None = None``. Enumerations are
``str | int`` (see ``wire/enums.py``), dates ``datetime``, prices ``Decimal``. ``ALIASES`` maps other
spellings to the wire name, both in camel case.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType, field

T = TypeVar("T")


# Collected by reference counts alone: an answer is a tree.
class Reply(Struct, rename="camel", kw_only=True, gc=False):
    """Base of everything that is answered. By itself, what a list would hold that is always empty."""


class Body(Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Base of everything that is received.

    Unknown members fail the quick decode only, so that ``codec.decode`` takes its patient way; there
    they are spelling variants of known ones or ignored.
    """

    ALIASES: ClassVar[Mapping[str, str]] = {}


class KeyValue(Reply, kw_only=True):
    """A header that a link asks the client to send."""

    key: str
    value: str


class Link(Reply, kw_only=True):
    """A relative address below ``/v1``, beginning with ``/`` (section 6)."""

    uri: str
    method: str
    headers: Sequence[KeyValue]


class SelfLinks(Reply, kw_only=True):
    """The links of a resource that points at nothing but itself."""

    self_: Link = field(name="self")


class CollectionLinks(Reply, kw_only=True):
    """The links of a page. ``next`` and ``previous`` are present only where such a page exists."""

    self_: Link = field(name="self")
    next: Link | UnsetType = UNSET
    previous: Link | UnsetType = UNSET


class ResourceAttributes(Reply, kw_only=True):
    """The kind of a resource and, where it has concurrency control, its version."""

    etag: str | UnsetType = UNSET
    object_type: str


class Collection(Reply, Generic[T], kw_only=True):
    """One page of a list. ``total_count`` counts this page, not the whole list (section 7.1)."""

    total_count: int
    items: Sequence[T]
    links: CollectionLinks
    continuation_token: str | UnsetType = UNSET
    attributes: ResourceAttributes


class Fault(Reply, kw_only=True):
    """A refusal (section 11.1). ``data`` must be a list: clients lose the code of anything else."""

    code: int
    description: str
    data: Sequence[str]
    source: str
    error_name: str
    is_retryable: bool


class ThrottleFault(Reply, kw_only=True):
    """The body beside ``Retry-After``. With a ``code`` in it the .NET SDK would lose the waiting time."""

    status_code: int
    message: str


class AttributesBody(Body):
    """The attributes that clients send back. Only the etag of a versioned resource is read."""

    etag: str | None = None
    object_type: str | None = None


def link(uri: str, method: str = "GET", headers: Sequence[KeyValue] = ()) -> Link:
    """A link whose ``headers`` are never absent: Java and PowerShell read them blindly."""
    return Link(uri=uri, method=method, headers=headers)


def self_links(uri: str) -> SelfLinks:
    """The links of a resource at ``uri`` that points at nothing but itself."""
    return SelfLinks(self_=link(uri))


def attributes(object_type: str, etag: str | None = None) -> ResourceAttributes:
    """The attributes of a resource; without an etag for one that is not versioned."""
    return ResourceAttributes(object_type=object_type, etag=UNSET if etag is None else etag)


_COLLECTION = attributes("Collection")


def collection(
    items: Sequence[T],
    self_uri: str,
    *,
    next_link: Link | None = None,
    previous_link: Link | None = None,
    continuation_token: str | None = None,
) -> Collection[T]:
    """One page of a list.

    A token without a next page would keep a client asking for ever, so it is written beside
    ``next_link`` only (section 7.1).
    """
    has_next = next_link is not None and continuation_token is not None
    return Collection(
        total_count=len(items),
        items=items,
        links=CollectionLinks(
            self_=link(self_uri),
            next=UNSET if next_link is None else next_link,
            previous=UNSET if previous_link is None else previous_link,
        ),
        continuation_token=continuation_token if has_next and continuation_token else UNSET,
        attributes=_COLLECTION,
    )
