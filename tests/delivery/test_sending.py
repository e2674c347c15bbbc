"""One attempt to send a webhook ends in time and in bounds, whatever its receiver does."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from tests.delivery.hostile import Site, site

from comptoir.delivery import service_resolving, service_sending
from comptoir.delivery.model import Message, Reply
from comptoir.delivery.networks import Allowed, parse_allowed
from comptoir.delivery.service_resolving import Resolver
from comptoir.delivery.service_sending import Sender, trust
from comptoir.identity import certificates

pytestmark = pytest.mark.anyio

TIMEOUT = timedelta(milliseconds=200)
LOOPBACK = parse_allowed("127.0.0.0/8, ::1")


def named(*answers: list[str]) -> Callable[[str, int], Awaitable[list[str]]]:
    """Answers for names: one list of addresses for each time that somebody asks, the last one for ever."""
    left = list(answers)

    async def resolve(host: str, port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def a_sender(
    allowed: Allowed = LOOPBACK, timeout: timedelta = TIMEOUT, ca_file: str = "", **others: object
) -> Sender:
    return Sender(timeout, allowed, trust(ca_file), **others)  # type: ignore[arg-type] # named by the test


@pytest.fixture
async def receiver() -> AsyncIterator[Site]:
    async with site() as started:
        yield started


async def test_a_message_arrives_as_it_is(receiver: Site) -> None:
    message = receiver.message("well")
    assert await a_sender()(message) == Reply(200, "ok")
    head = receiver.requests[0]
    assert head.startswith("POST /well HTTP/1.1\r\n")
    lines = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head.splitlines()[1:]}
    assert lines["host"] == f"127.0.0.1:{receiver.port}"
    assert lines["x-test"] == "yes"
    assert lines["content-length"] == str(len(message.body))
    assert lines["user-agent"].startswith("Comptoir/")
    assert lines["connection"] == "close"
    assert "gzip" not in lines["accept-encoding"]


@pytest.mark.parametrize(
    ("behaviour", "reply"),
    [
        ("fails", Reply(500, "oops")),
        ("refuses", Reply(409)),
        ("throttles", Reply(429)),
        ("breaks_off", Reply(200, "half")),
        ("bomb", Reply(200, "xyz")),
        ("is_silent", Reply(None, error="no answer within 200 ms")),
        ("drips", Reply(None, error="no answer within 200 ms")),
        ("never_decides", Reply(None, error="no answer within 200 ms")),
        ("hangs_up", Reply(None, error="Server disconnected without sending a response.")),
        ("babbles", Reply(None, error="illegal status line")),
        ("floods_headers", Reply(None, error="Receive buffer too long")),
    ],
)
async def test_whatever_comes_back_is_a_reply(receiver: Site, behaviour: str, reply: Reply) -> None:
    found = await asyncio.wait_for(a_sender()(receiver.message(behaviour)), 2)
    assert (found.status, found.excerpt) == (reply.status, reply.excerpt)
    assert (reply.error or "") in (found.error or "")


async def test_a_redirect_is_not_followed(receiver: Site) -> None:
    assert await a_sender()(receiver.message("redirects")) == Reply(307)
    assert len(receiver.requests) == 1


async def test_a_body_without_end_is_read_as_far_as_the_bound(receiver: Site) -> None:
    found = await a_sender(timeout=timedelta(seconds=20))(receiver.message("floods"))
    assert found.status == 200
    assert len(found.excerpt) == service_sending.EXCERPT_BYTES_MAX
    assert found.excerpt.startswith("flood flood")


async def test_an_answer_counts_though_its_body_never_ends(receiver: Site) -> None:
    found = await asyncio.wait_for(a_sender()(receiver.message("drips_its_body")), 2)
    assert found.status == 200
    assert set(found.excerpt) == {"."}


async def test_nobody_is_there(receiver: Site) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        found = await a_sender()(Message(f"http://127.0.0.1:{port}/", (), b""))
    assert found.status is None
    assert found.error


async def test_nothing_is_kept_from_one_message_to_the_next(receiver: Site) -> None:
    send = a_sender()
    for _ in range(2):
        await send(receiver.message("well"))
    assert len(receiver.requests) == 2
    assert "cookie" not in receiver.requests[1].lower()


async def test_proxies_of_the_environment_are_ignored(
    receiver: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await a_sender()(receiver.message("well"))).status == 200


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{port}/well", "127.0.0.1 is not allowed: its network is loopback"),
        ("http://localhost:{port}/well", "is not allowed"),
        ("http://2130706433:{port}/well", "127.0.0.1 is not allowed"),
        ("http://0x7f.1:{port}/well", "127.0.0.1 is not allowed"),
        ("http://127.1:{port}/well", "127.0.0.1 is not allowed"),
        ("http://[::1]:{port}/well", "::1 is not allowed"),
        ("http://[::ffff:127.0.0.1]:{port}/well", "is not allowed: its network is loopback"),
        ("http://0.0.0.0:{port}/well", "0.0.0.0 is not allowed"),
        ("http://169.254.169.254/latest/meta-data/", "its network is link-local"),
        ("ftp://app.example/", "neither http nor https"),
        ("http://user@127.0.0.1:{port}/well", "a user name"),
        ("", "neither http nor https"),
    ],
)
async def test_what_the_operator_does_not_allow_is_not_called(receiver: Site, url: str, reason: str) -> None:
    found = await a_sender(Allowed())(Message(url.format(port=receiver.port), (), b"{}"))
    assert found.status is None
    assert reason in (found.error or "")
    assert receiver.requests == []


async def test_an_answer_of_the_name_service_that_changes_leads_nowhere_else(receiver: Site) -> None:
    """Each attempt asks once, checks what it is told and calls that very address."""
    asked: list[str] = []
    called: list[str] = []
    answers = [["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1", "8.8.4.4"], []]

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["Host"] == "rebind.example"
        assert request.extensions["sni_hostname"] == "rebind.example"
        called.append(request.url.host)
        return httpx2.Response(200, stream=httpx2.ByteStream(b""))

    send = a_sender(Allowed(), resolve=resolve, transport=httpx2.MockTransport(answer))
    found = [await send(Message("https://rebind.example/", (), b"")) for _ in answers]
    assert [reply.status for reply in found] == [200, None, 200, None]
    assert [reply.error for reply in found][1::2] == [
        "127.0.0.1 is not allowed: its network is loopback",
        "rebind.example has no address",
    ]
    assert called == ["8.8.8.8", "8.8.4.4"]
    assert len(asked) == 4


async def test_the_next_address_is_tried_where_nothing_was_sent_yet(receiver: Site) -> None:
    message = receiver.message("well", host="app.example")
    send = a_sender(resolve=named(["::1", "127.0.0.1"]))
    assert (await send(message)).status == 200
    assert len(receiver.requests) == 1
    assert f"Host: app.example:{receiver.port}" in receiver.requests[0]
    again = receiver.message("hangs_up", host="app.example")
    assert (await a_sender(resolve=named(["127.0.0.1", "127.0.0.1"]))(again)).status is None
    assert len(receiver.requests) == 2, "a message that may have arrived is not sent to another address"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> certificates.CertificateFiles:
    folder = tmp_path_factory.mktemp("tls")
    return certificates.ensure(folder, ["hooks.example"], datetime.now(UTC))


def server_context(files: certificates.CertificateFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


async def test_tls_is_checked_against_the_name_and_the_operator_s_authority(
    authority: certificates.CertificateFiles,
) -> None:
    asked_for: list[str] = []
    context = server_context(authority)
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    async with site(context) as receiver:
        message = receiver.message("well", host="hooks.example", scheme="https")
        resolve, timeout = named(["127.0.0.1"]), timedelta(seconds=5)
        trusting = a_sender(ca_file=str(authority.authority), resolve=resolve, timeout=timeout)
        assert (await trusting(message)).status == 200
        assert asked_for == ["hooks.example"]
        foreign = await trusting(receiver.message("well", host="other.example", scheme="https"))
        assert "ostname" in (foreign.error or ""), foreign
        untrusted = await a_sender(resolve=resolve, timeout=timeout)(message)
        assert "certificate verify failed" in (untrusted.error or ""), untrusted
        plain = await trusting(receiver.message("well", host="hooks.example"))
        assert plain.status is None
        assert len(receiver.requests) == 1


async def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    files = certificates.ensure(tmp_path, ["hooks.example"], datetime(2020, 1, 1, tzinfo=UTC))
    async with site(server_context(files)) as receiver:
        send = a_sender(
            ca_file=str(files.authority), resolve=named(["127.0.0.1"]), timeout=timedelta(seconds=5)
        )
        found = await send(receiver.message("well", host="hooks.example", scheme="https"))
        assert "expired" in (found.error or "")
        assert receiver.requests == []


async def test_who_does_not_speak_tls_is_a_failure(receiver: Site) -> None:
    found = await a_sender()(receiver.message("well", scheme="https"))
    assert found.status is None
    assert found.error


async def test_a_tls_handshake_that_never_ends_does_not_hold_the_attempt() -> None:
    """The site waits for a plain request that never comes."""
    async with site() as receiver:
        found = await asyncio.wait_for(a_sender()(receiver.message("well", scheme="https")), 2)
    assert found.status is None


def test_a_file_without_certificates_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(OSError, match="NO_CERTIFICATE_OR_CRL"):
        trust(str(tmp_path / "ca.pem"))


async def test_names_are_looked_up_by_the_system() -> None:
    resolver = Resolver()
    assert await resolver("127.0.0.1", 80) == ["127.0.0.1"]
    assert await resolver("::1", 80) == ["::1"]
    assert set(await resolver("localhost", 80)) <= {"127.0.0.1", "::1"}
    for wrong in ("a" * 70 + ".example", "a..b"):
        with pytest.raises(OSError, match="cannot be looked up"):
            await resolver(wrong, 80)


async def test_a_name_that_is_not_answered_holds_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask for it, and others are answered meanwhile."""
    released = threading.Event()
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        if host == "slow.example":
            released.wait(5)
        return ["127.0.0.1"]

    monkeypatch.setattr(service_resolving, "_look_up", look_up)
    send = a_sender(Allowed(), timeout=timedelta(milliseconds=50))
    slow = Message("http://slow.example/", (), b"")
    late = await asyncio.gather(*(send(slow) for _ in range(20)))
    assert {reply.error for reply in late} == {"no answer within 50 ms"}
    quick = await send(Message("http://quick.example/", (), b""))
    assert "not allowed" in (quick.error or "")
    assert asked == ["slow.example", "quick.example"]
    released.set()
