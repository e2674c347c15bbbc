"""Whether an answer is what the OpenAPI document says: its status, its code, its headers, its body.

The document leaves room for members that are added later. Here there is none: an answer with a member that is
not described differs from it.
"""

from functools import cache
from typing import Any

import httpx2
import jsonschema_rs

from comptoir.api import openapi
from comptoir.api.documented import errors_of
from comptoir.wire.operation import Operation

Document = dict[str, Any]
EXPECTED_HEADERS = frozenset({"etag", "ms-replayed", "retry-after", "www-authenticate"})
"""Headers that a client acts upon; they must not come as a surprise."""


@cache
def document() -> Document:
    """The document, with answers closed against members that it does not describe."""
    closed = openapi.document()
    for name, schema in closed["components"]["schemas"].items():
        if not name.endswith("Body") and "Form" not in name:
            schema["additionalProperties"] = False
    return closed


@cache
def responses_of(operation_id: str) -> Document:
    """The described answers of an operation, by status as text."""
    operations = (operation for item in document()["paths"].values() for operation in item.values())
    described = next(operation for operation in operations if operation["operationId"] == operation_id)
    shared = document()["components"]["responses"]
    return {
        status: shared[response["$ref"].rpartition("/")[2]] if "$ref" in response else response
        for status, response in described["responses"].items()
    }


def examine(reply: httpx2.Response, operation: Operation) -> None:
    """Raises ``AssertionError`` where the answer differs from the document."""
    status = str(reply.status_code)
    responses = responses_of(operation.id)
    assert status in responses, f"{operation.id} does not document {status}: {reply.text[:300]}"
    described = responses[status]
    unexpected = EXPECTED_HEADERS & set(reply.headers) - {name.lower() for name in described["headers"]}
    assert not unexpected, f"{operation.id} {status} does not document {unexpected}"
    if not reply.content:
        assert "content" not in described or operation.method == "HEAD", f"{operation.id} {status} is empty"
        return
    media_type = reply.headers["content-type"].partition(";")[0]
    assert media_type in described["content"], f"{operation.id} {status} does not document {media_type}"
    if media_type == openapi.JSON:
        _examine_body(reply, operation)


def _examine_body(reply: httpx2.Response, operation: Operation) -> None:
    body = reply.json()
    validator = _validator(operation.id, str(reply.status_code))
    faulty = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(body)]
    assert not faulty, f"{operation.id} {reply.status_code} differs from the document:\n" + "\n".join(faulty)
    code = code_of(body) if reply.status_code >= 400 else None
    if code is not None:
        error = f"{reply.status_code}/{code}"
        assert error in errors_of(operation), f"{operation.id} does not document {error}: {reply.text[:300]}"


@cache
def _validator(operation_id: str, status: str) -> jsonschema_rs.Draft202012Validator:
    """For the JSON of one answer of an operation."""
    schema = responses_of(operation_id)[status]["content"][openapi.JSON]["schema"]
    return jsonschema_rs.Draft202012Validator(
        {**schema, "components": document()["components"]}, validate_formats=True
    )


def code_of(fault: Any) -> int | str | None:
    """The code of a refusal in any shape; a throttle and a bare text have none."""
    if isinstance(fault, str):
        return None
    inner = fault.get("error") if isinstance(fault.get("error"), dict) else fault.get("Error")
    if inner is not None:
        return str(inner.get("code") or inner.get("Code"))
    codes: list[int | str] = fault.get("error_codes", [fault.get("code")])
    return codes[0]
