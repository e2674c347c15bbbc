"""What a call carries, how often it is sent, and what comes of it; the service is a function."""

import httpx2
import pytest
from tests.client.fakes import BASE_URL, FakeTime, Script, Step, answer, client_of, fault

from comptoir import __version__
from comptoir.client import (
    AsyncComptoir,
    BadRequest,
    Conflict,
    NotFound,
    RetryPolicy,
    ServerError,
    ServiceError,
    Throttled,
    UnexpectedReply,
    Unreachable,
)
from comptoir.client.models import SpendingBudgetBody

pytestmark = pytest.mark.anyio

BUDGET = {
    "amount": 5,
    "links": {"self": {"uri": "/b", "method": "GET", "headers": []}},
    "attributes": {"objectType": "B"},
}


def ids(script: Script) -> list[tuple[str, str]]:
    return [(sent.headers["MS-RequestId"], sent.headers["MS-CorrelationId"]) for sent in script.requests]


async def set_budget(client: AsyncComptoir, request_id: str | None = None) -> None:
    await client.customers.set_budget("c", SpendingBudgetBody(), request_id=request_id)


async def test_what_every_call_carries() -> None:
    script = Script([answer(200, BUDGET)])
    client = AsyncComptoir(
        "token",
        base_url="http://service.test/prefix/",
        locale="fr-FR",
        application="Back office",
        http=httpx2.AsyncClient(transport=httpx2.MockTransport(script)),
        surroundings=FakeTime().surroundings(),
    )
    await set_budget(client)
    (request,) = script.requests
    assert (request.method, str(request.url)) == (
        "PATCH",
        "http://service.test/prefix/v1/customers/c/usagebudget",
    )
    assert request.content == b"{}"
    expected = {
        "Authorization": "Bearer token",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "MS-RequestId": "id-0",
        "MS-CorrelationId": "id-1",
        "MS-Contract-Version": "v1",
        "MS-PartnerCenter-Client": "Comptoir Python Client",
        "MS-PartnerCenter-Application": "Back office",
        "MS-SdkVersion": __version__,
        "User-Agent": f"comptoir/{__version__}",
        "X-Locale": "fr-FR",
    }
    assert {name: request.headers.get(name) for name in expected} == expected


async def test_each_call_has_ids_of_its_own() -> None:
    script = Script([answer(200, "none")] * 2)
    client = client_of(script, FakeTime())
    await client.customers.qualification("c")
    await client.customers.qualification("c")
    assert ids(script) == [("id-0", "id-1"), ("id-2", "id-3")]


async def test_calls_can_share_a_correlation_id() -> None:
    script = Script([answer(200, "none")] * 5)
    client = client_of(script, FakeTime())
    with client.correlation("story") as story:
        await client.customers.qualification("c")
        with client.correlation() as drawn:
            await client.customers.qualification("c")
        await client.customers.qualification("c")
    await client.customers.qualification("c")
    assert story == "story"
    assert [correlation for _, correlation in ids(script)][:3] == ["story", drawn, "story"]
    assert "story" not in ids(script)[3]


async def test_a_request_id_can_be_given() -> None:
    script = Script([answer(200, BUDGET)])
    await set_budget(client_of(script, FakeTime()), request_id="mine")
    assert ids(script)[0][0] == "mine"


PASSING: list[tuple[str, Step]] = [
    ("refused", httpx2.ConnectError("refused")),
    ("broken", httpx2.ReadError("broken")),
    ("half an answer", httpx2.RemoteProtocolError("half")),
    ("too late", httpx2.ReadTimeout("late")),
    ("garbled", httpx2.DecodingError("gzip")),
    ("408", answer(408)),
    ("429", answer(429, {"statusCode": 429, "message": "Slow down."}, Retry_After="2")),
    ("500", fault(500, 800003)),
    ("503", httpx2.Response(503, content=b"<html>")),
]


@pytest.mark.parametrize("step", [step for _, step in PASSING], ids=[name for name, _ in PASSING])
async def test_a_passing_failure_is_repeated_with_the_same_ids(step: Step) -> None:
    script, time = Script([step, step, answer(200, BUDGET)]), FakeTime()
    await set_budget(client_of(script, time))
    assert ids(script) == [("id-0", "id-1")] * 3
    assert {request.content for request in script.requests} == {b"{}"}
    asked = 2.0 if isinstance(step, httpx2.Response) and step.status_code == 429 else 0.0
    assert time.slept == [max(asked, 0.5), max(asked, 1.0)]


@pytest.mark.parametrize("step", [step for _, step in PASSING], ids=[name for name, _ in PASSING])
async def test_attempts_are_bounded(step: Step) -> None:
    script, time = Script([step] * 10), FakeTime()
    with pytest.raises((Unreachable, ServiceError)) as caught:
        await set_budget(client_of(script, time))
    assert (len(script.requests), len(time.slept)) == (4, 3)
    assert (caught.value.request_id, caught.value.correlation_id) == ("id-0", "id-1")
    if isinstance(step, Exception):
        assert isinstance(caught.value, Unreachable)
        assert caught.value.__cause__ is step


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 417, 501])
async def test_other_refusals_stand(status: int) -> None:
    script = Script([fault(status, 3000)])
    with pytest.raises(ServiceError) as caught:
        await set_budget(client_of(script, FakeTime()))
    assert (caught.value.status, caught.value.code) == (status, 3000)
    assert caught.value.request_id == "id-0"


async def test_too_long_a_wait_is_left_to_the_caller() -> None:
    script, time = Script([answer(429, {"message": "later"}, Retry_After="31")]), FakeTime()
    with pytest.raises(Throttled) as caught:
        await set_budget(client_of(script, time))
    assert caught.value.retry_after_seconds == 31
    assert time.slept == []


async def test_a_lost_call_that_is_still_at_work_is_waited_for() -> None:
    script = Script([httpx2.ReadTimeout("late"), fault(409, 800064), fault(409, 800060), answer(200, BUDGET)])
    await set_budget(client_of(script, FakeTime()))
    assert len(set(ids(script))) == 1


async def test_a_conflict_with_another_call_is_not_waited_for() -> None:
    script = Script([fault(503, 0), fault(409, 800064)])
    with pytest.raises(Conflict):
        await set_budget(client_of(script, FakeTime()))


async def test_no_retry_at_all() -> None:
    script = Script([httpx2.ConnectError("no")])
    with pytest.raises(Unreachable):
        await set_budget(client_of(script, FakeTime(), retry=RetryPolicy(attempts_max=1)))


async def test_an_address_that_is_none_is_not_tried_again() -> None:
    async with AsyncComptoir("token", base_url="ftp://service.test", sleep=FakeTime().sleep) as client:
        with pytest.raises(Unreachable, match="attempts: 1"):
            await client.customers.qualification("c")


async def test_redirections_are_not_followed() -> None:
    script = Script([answer(302, Location="https://evil.example/")])
    with pytest.raises(ServiceError) as caught:
        await client_of(script, FakeTime()).customers.qualification("c")
    assert caught.value.status == 302
    assert len(script.requests) == 1


async def test_an_answer_that_is_elsewhere_is_fetched() -> None:
    script = Script(
        [httpx2.Response(202, headers={"Location": "/customers/c/usagebudget"}), answer(200, BUDGET)]
    )
    client = client_of(script, FakeTime())
    assert (await client.customers.set_budget("c", SpendingBudgetBody())).amount == 5
    first, second = script.requests
    assert (second.method, str(second.url)) == ("GET", f"{BASE_URL}/v1/customers/c/usagebudget")
    assert second.headers["MS-RequestId"] != first.headers["MS-RequestId"]
    assert "Content-Type" not in second.headers


async def test_an_answer_that_cannot_be_read_names_the_call() -> None:
    with pytest.raises(UnexpectedReply) as caught:
        await client_of(Script([answer(200, [1])]), FakeTime()).customers.qualification("c")
    assert (caught.value.request_id, caught.value.correlation_id) == ("id-0", "id-1")


async def test_a_domain_is_free_or_taken() -> None:
    client = client_of(Script([httpx2.Response(200), httpx2.Response(404)]), FakeTime())
    assert await client.partner.domain_exists("taken.example")
    assert not await client.partner.domain_exists("free.example")


async def test_pages_are_turned_when_they_are_needed() -> None:
    def page(number: int, *, is_last: bool = False) -> httpx2.Response:
        headers = [{"key": "MS-ContinuationToken", "value": f"t{number}"}]
        uri = "/agreements?seekOperation=Next"
        following = {} if is_last else {"next": {"uri": uri, "method": "GET", "headers": headers}}
        return answer(200, {"totalCount": 1, "items": [{"templateId": str(number)}], "links": following})

    script = Script([page(0), page(1), page(2, is_last=True)])
    pages = client_of(script, FakeTime()).agreements.current()
    assert script.requests == []
    assert [each.template_id async for each in pages] == ["0", "1", "2"]
    assert [sent.headers.get("MS-ContinuationToken") for sent in script.requests] == [None, "t0", "t1"]
    request_ids, correlation_ids = zip(*ids(script), strict=True)
    assert (len(set(request_ids)), len(set(correlation_ids))) == (3, 1)

    script.steps = [page(0), page(1), page(2, is_last=True), page(0)]
    assert [len(each.items) async for each in pages.by_page()] == [1, 1, 1]
    assert (await pages.first()).items[0].template_id == "0"


async def test_a_link_does_not_change_who_calls() -> None:
    headers = [{"key": "authorization", "value": "Bearer other"}, {"key": "ms-requestid", "value": "other"}]
    following = {"next": {"uri": "/agreements?seekOperation=Next", "method": "GET", "headers": headers}}
    script = Script([answer(200, {"items": [], "links": following}), answer(200, {"items": []})])
    await client_of(script, FakeTime()).agreements.current().to_list()
    assert script.requests[1].headers.get_list("Authorization") == ["Bearer token"]
    assert "other" not in script.requests[1].headers.get_list("MS-RequestId")


async def test_a_page_that_fails_ends_the_list() -> None:
    script = Script([fault(404, 60003)])
    with pytest.raises(NotFound):
        await client_of(script, FakeTime()).orders.list("c").to_list()


async def test_chance_shortens_waits() -> None:
    script, time = Script([fault(500, 0), fault(500, 0), fault(400, 0)]), FakeTime()
    with pytest.raises(BadRequest):
        await set_budget(client_of(script, time, draw=0.5))
    assert time.slept == [0.375, 0.75]


async def test_only_an_own_http_client_is_closed() -> None:
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(Script([])))
    async with AsyncComptoir("token", http=http):
        pass
    assert not http.is_closed
    await http.aclose()


async def test_server_errors_have_a_class() -> None:
    with pytest.raises(ServerError, match="500/800003 no"):
        await set_budget(client_of(Script([fault(500, 800003)] * 4), FakeTime()))
