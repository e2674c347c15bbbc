"""Runs the code blocks of a guide in their order, as a reader would, against a marketplace of its own.

- ``sh``: each line is a command. ``comptoir serve`` and ``comptoir sample-publisher`` stay at work.
- ``yaml``: a file, whose name its first line tells.
- ``python``: all blocks of a document share one interpreter's names.
- ``http``: a request with the sandbox account's token. Its output is the status.
- ``text`` after one of these is what it prints. ``…`` stands for whatever differs from run to run.
- ``console`` is shown only.

``{name.member}`` in a command, or in the first line of a request, stands for a value of the Python blocks.
"""

import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from tests.started import Started, environment, publishing, started

ADDRESS = "http://127.0.0.1:8080"
"""Where the guides say that the server is; the tests take a free port."""

SITE = "http://127.0.0.1:8090"
"""The same for the sample publisher."""

LANGUAGES = frozenset({"console", "http", "python", "sh", "text", "yaml"})
COMMAND_SECONDS_MAX = 60

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"\{([\w.]+)\}")
_COMPTOIR = re.compile(r"^comptoir\b", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of a document. ``line`` is that of its code, ``output`` what the document says it prints."""

    language: str
    code: str
    line: int
    output: str | None = None


def read_blocks(path: Path, section: str = "") -> list[Block]:
    """The blocks that are run, each with the output that follows it: of a whole document, or of a section."""
    text = path.read_text(encoding="utf-8")
    start = text.index(f"## {section}\n") if section else 0
    end = text.find("\n## ", start) if section else -1
    found: list[Block] = []
    for fence in _FENCE.finditer(text, start, end if end > 0 else len(text)):
        language, code = fence.groups()
        line = text.count("\n", 0, fence.start()) + 2
        assert language in LANGUAGES, f"{path.name}:{line}: a block of {language or 'nothing'}"
        if language == "text":
            last = found.pop()
            assert last.output is None, f"{path.name}:{line}: a second output"
            found.append(Block(last.language, last.code, last.line, code))
        elif language != "console":
            found.append(Block(language, code, line))
    return found


@dataclass
class Reader:
    """Someone who follows a document in an empty folder."""

    folder: Path
    document: str
    stack: contextlib.ExitStack
    names: dict[str, Any] = field(default_factory=dict)
    server: Started | None = None
    site: str = SITE
    token: str = ""

    def follow(self, block: Block) -> None:
        """Run a block and hold what it prints against the document."""
        where = f"{self.document}:{block.line}"
        printed = getattr(self, f"_run_{block.language}")(block.code, where)
        assert block.output is None or _matches(block.output, printed), f"{where} prints:\n{printed}"

    def _run_sh(self, code: str, where: str) -> str:
        return "".join(self._command(line, where) for line in code.splitlines())

    def _command(self, line: str, where: str) -> str:
        if line == "comptoir serve":
            self.server = self.stack.enter_context(started(self.folder, database="comptoir.db"))
            return f"Comptoir serves comptoir.db on {ADDRESS}\n"
        line = self._as_run(_NAME.sub(lambda name: str(self._value(name[1])), line))
        if line.startswith("comptoir sample-publisher"):
            flags = ["--marketplace", self._address, *line.split()[2:]]
            self.site, _ = self.stack.enter_context(publishing(self.folder, *flags))
            return f"The publisher serves {SITE}\n"
        done = subprocess.run(
            _COMPTOIR.sub(f'"{sys.executable}" -m comptoir', line),
            shell=True,
            cwd=self.folder,
            env=environment() | {"PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=COMMAND_SECONDS_MAX,
        )
        assert done.returncode == 0, f"{where}: {line}\n{done.stderr}"
        return self._as_documented(done.stdout)

    def _run_python(self, code: str, where: str) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.chdir(self.folder):
            exec(compile(self._as_run(code), where, "exec"), self.names)
        return self._as_documented(printed.getvalue())

    def _run_yaml(self, code: str, _where: str) -> str:
        name = code.split("\n", 1)[0].removeprefix("# ")
        (self.folder / name).write_text(code, encoding="utf-8")
        return ""

    def _run_http(self, code: str, where: str) -> str:
        head, _, body = code.partition("\n\n")
        first, *lines = head.splitlines()
        method, path = _NAME.sub(lambda name: str(self._value(name[1])), first).split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        self.token = self.token or self._command("comptoir token --account sandbox", where).strip()
        headers["Authorization"] = f"Bearer {self.token}"
        with httpx2.Client(base_url=self._address) as http:
            reply = http.request(method, path, headers=headers, content=body.strip().encode() or None)
        return f"{reply.status_code} {reply.reason_phrase}\n"

    def close_client(self) -> None:
        """Close the client that the document opened, however far it was followed."""
        if "client" in self.names:
            self.names["client"].close()

    def _value(self, path: str) -> object:
        name, *members = path.split(".")
        value = self.names[name]
        for member in members:
            value = getattr(value, member)
        return value

    @property
    def _address(self) -> str:
        return ADDRESS if self.server is None else self.server.address

    def _as_run(self, code: str) -> str:
        return code.replace(ADDRESS, self._address).replace(SITE, self.site)

    def _as_documented(self, printed: str) -> str:
        return printed.replace(self._address, ADDRESS).replace(self.site, SITE)


@contextlib.contextmanager
def reader(folder: Path, document: str) -> Iterator[Reader]:
    """A reader with an empty folder; its client and its server are ended at the end."""
    with contextlib.ExitStack() as stack:
        one = Reader(folder, document, stack)
        stack.callback(one.close_client)
        yield one


def _matches(documented: str, printed: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in documented.split("…"))
    return re.fullmatch(pattern, printed) is not None
