"""Looks up what addresses a receiver's name stands for, each time anew."""

import asyncio
import contextlib
import socket
import threading
from ipaddress import ip_address

Answer = list[str] | OSError


class Resolver:
    """One question about a name at a time, however many ask it, each in a thread of its own.

    So a name whose servers do not answer holds one thread for as long as the system waits for them, and
    nobody who asks for another name, nor the end of the process, waits for it.
    """

    def __init__(self) -> None:
        self._asked: dict[tuple[str, int], asyncio.Future[Answer]] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        """The addresses as text, in the system's order of preference. Raises ``OSError``."""
        if _is_number(host):
            return [host]
        answer = self._asked.get((host, port))
        if answer is None:
            answer = self._ask(host, port)
        found = await asyncio.shield(answer)
        if isinstance(found, OSError):
            raise OSError(f"{host} cannot be looked up: {found.strerror or found}") from found
        return found

    def _ask(self, host: str, port: int) -> "asyncio.Future[Answer]":
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._asked[host, port] = answer
        answer.add_done_callback(lambda _: self._asked.pop((host, port), None))

        def deliver(found: Answer) -> None:
            if not answer.done():
                answer.set_result(found)

        def ask() -> None:
            found = _look_up(host, port)
            # A loop that was closed has nobody who waits for the answer any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(deliver, found)

        threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
        return answer


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _look_up(host: str, port: int) -> Answer:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except OSError as error:
        return error
    except UnicodeError as error:
        return OSError(str(error))
    return [str(address[0]) for *_, address in found]
