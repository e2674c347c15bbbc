"""The table of operations and its structs against the contract's appendices."""

from collections.abc import Iterator

import pytest

from comptoir.api.faults import WIRE
from comptoir.core.errors import Code
from comptoir.wire.operation import Operation
from comptoir.wire.operations import OPERATIONS
from tests.contract import loader, reviewed
from tests.contract.loader import Endpoint, path_shape
from tests.contract.notation import Ref
from tests.contract.structs import reply_problems, request_problems


def _served() -> Iterator[tuple[Operation, Endpoint]]:
    """Our operations beside what the contract says about them."""
    for endpoint in loader.endpoints().values():
        for operation in OPERATIONS:
            if path_shape(endpoint.method, endpoint.path) == path_shape(operation.method, operation.path):
                yield operation, endpoint


SERVED = [pytest.param(*pair, id=f"{pair[0].id}-{pair[1].id}") for pair in _served()]
SERVED_IDS = {endpoint.id for _, endpoint in _served()}


@pytest.mark.parametrize("endpoint_id", loader.endpoints())
def test_every_call_of_the_contract_is_served_or_planned(endpoint_id: str) -> None:
    assert (endpoint_id in SERVED_IDS) != (endpoint_id in reviewed.NOT_SERVED)


@pytest.mark.parametrize(("operation", "endpoint"), SERVED)
def test_success_status(operation: Operation, endpoint: Endpoint) -> None:
    if operation.id not in reviewed.ALWAYS_REFUSED:
        assert operation.status == endpoint.status


@pytest.mark.parametrize(("operation", "endpoint"), SERVED)
def test_documented_refusals(operation: Operation, endpoint: Endpoint) -> None:
    """Throttling and failures of our own can come from anywhere and are documented once."""
    by_the_edge = {_error_of(Code.TOKEN_INVALID)}
    known = {*operation.errors, *(error.partition("/")[0] for error in operation.errors)} | by_the_edge
    expected = {error for error in endpoint.errors if error[0] == "4" and error != "429"}
    missing = expected - known - reviewed.UNUSED_ERRORS.get(operation.id, {}).keys()
    assert not missing


def _error_of(code: Code) -> str:
    return "/".join(map(str, WIRE[code]))


@pytest.mark.parametrize(("operation", "endpoint"), SERVED)
def test_query_parameters(operation: Operation, endpoint: Endpoint) -> None:
    """Names count in any case; ours are spelled as most documents do."""
    ours = {query.name.lower(): query.required for query in operation.query}
    unused = {name.lower() for name in reviewed.UNUSED_QUERY.get(operation.id, {})}
    extra = {name.lower() for name in reviewed.EXTRA_QUERY.get(operation.id, {})}
    theirs = {name.lower(): required for name, required in endpoint.query.items()}
    assert theirs.keys() == (ours.keys() | unused) - extra
    assert not [name for name, required in theirs.items() if required not in {None, ours.get(name)}]


@pytest.mark.parametrize(("operation", "endpoint"), SERVED)
def test_reply(operation: Operation, endpoint: Endpoint) -> None:
    if endpoint.response is None or operation.id in reviewed.ALWAYS_REFUSED:
        assert operation.reply is (None if operation.media_type == "application/json" else bytes)
    else:
        assert not list(reply_problems(operation.reply, endpoint.response))


@pytest.mark.parametrize(("operation", "endpoint"), SERVED)
def test_request(operation: Operation, endpoint: Endpoint) -> None:
    if operation.request is not None and endpoint.request is not None:
        assert not list(request_problems(operation.request, endpoint.request))


def test_reviewed_departures_still_exist() -> None:
    """A reason for something that is no longer so would hide the next difference."""
    by_id = {operation.id: operation for operation in OPERATIONS}
    assert reviewed.ALWAYS_REFUSED.keys() <= by_id.keys()
    for operation_id, errors in reviewed.UNUSED_ERRORS.items():
        assert not errors.keys() & set(by_id[operation_id].errors)
    for operation_id, names in reviewed.EXTRA_QUERY.items():
        assert names.keys() <= {query.name for query in by_id[operation_id].query}
    for operation_id, names in reviewed.UNUSED_QUERY.items():
        assert not names.keys() & {query.name for query in by_id[operation_id].query}
    for name, members in {**reviewed.EXTRA_MEMBERS, **reviewed.EXTRA_REQUEST_MEMBERS}.items():
        model = loader.resolve(Ref(name))
        assert model is not None
        assert not members.keys() & model.members.keys()
