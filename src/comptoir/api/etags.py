"""The versions of a resource that a change says it was made to (``00-cross-cutting`` section 9)."""

from comptoir.api.call import Parameters
from comptoir.wire.types import AttributesBody


def supplied_etags(headers: Parameters, attributes: AttributesBody | None) -> tuple[str, ...]:
    """``If-Match``, quoted or not, and the body's etag. None for ``*``, and for what is blank."""
    condition = (headers.get("If-Match") or "").strip().removeprefix("W/").strip('"')
    in_body = (attributes.etag or "").strip().strip('"') if attributes is not None else ""
    return tuple(etag for etag in (condition, in_body) if etag not in {"", "*"})
