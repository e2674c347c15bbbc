"""A server that stands before the real one and ill-treats who calls: over real sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2

HANG_SECONDS = 1.0


class Malice(Enum):
    """What becomes of one attempt."""

    HANG_UP = "closed before the call has an effect"
    HANG_UP_AFTER = "closed after the effect, before the answer"
    HALF_AN_ANSWER = "closed in the middle of the answer"
    SILENCE = "no answer for longer than the client waits"
    UNAVAILABLE = "503 without effect"
    BAD_GATEWAY = "502 after the effect"
    THROTTLE = "429 with a date to come back at"


class HostileServer(ThreadingHTTPServer):
    """Forwards to ``target``. The first attempts of each request id suffer ``malice``, in this order."""

    daemon_threads = False

    def __init__(self, target: str, malice: tuple[Malice, ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.malice = malice
        self.attempts: dict[str, int] = {}
        self.behind = httpx2.Client(base_url=target)
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def next_malice(self, request_id: str) -> Malice | None:
        with self.lock:
            attempt = self.attempts.get(request_id, 0)
            self.attempts[request_id] = attempt + 1
        return self.malice[attempt] if attempt < len(self.malice) else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HostileServer

    def handle_one_request(self) -> None:
        """A client that has hung up itself is nothing to report."""
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.server.next_malice(self.headers["MS-RequestId"]):
            case Malice.HANG_UP:
                self._hang_up()
            case Malice.UNAVAILABLE:
                self._answer(503, b"<html>")
            case Malice.THROTTLE:
                self._answer(429, b'{"statusCode":429}', {"Retry-After": self.date_time_string()})
            case malice:
                self._forward(body, malice)

    do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the names that http.server looks for

    def _forward(self, body: bytes, malice: Malice | None) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        reply = self.server.behind.request(self.command, self.path, content=body, headers=headers)
        match malice:
            case Malice.HANG_UP_AFTER:
                self._hang_up()
            case Malice.HALF_AN_ANSWER:
                self.send_response(reply.status_code)
                self.send_header("Content-Length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content[: len(reply.content) // 2])
                self._hang_up()
            case Malice.SILENCE:
                threading.Event().wait(HANG_SECONDS)
                self._hang_up()
            case Malice.BAD_GATEWAY:
                self._answer(502, b"<html>")
            case _:
                self._answer(reply.status_code, reply.content)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server names it
        """Tests say nothing on standard error."""


@contextmanager
def hostile(target: str, *malice: Malice) -> Iterator[HostileServer]:
    """The server in a thread, gone at the end."""
    server = HostileServer(target, malice)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        server.behind.close()
