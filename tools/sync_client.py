"""Makes the synchronous client from the asynchronous one.

The sources are written so that taking ``async`` and ``await`` away and renaming a few words is all: whatever
else differs stands in ``client/asynchronous.py`` and ``client/synchronous.py``, which have the same names.
Docstrings are changed along.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

CLIENT = Path(__file__).parents[1] / "src" / "comptoir" / "client"
NOTICE = "# Made from ../_async by tools/generate.py; do not edit.\n"

_KEYWORDS = re.compile(r"\b(?:async|await) ")
_WORDS: Mapping[str, str] = {
    "AsyncClient": "Client",
    "AsyncComptoir": "Comptoir",
    "AsyncIterator": "Iterator",
    "AsyncPages": "Pages",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "_async": "_sync",
    "aclose": "close",
    "asynchronous": "synchronous",
}
_RENAMED = re.compile(r"(?<!\w)(?:" + "|".join(_WORDS) + r")(?!\w)")
_AWAITABLE = re.compile(r"Awaitable\[((?:[^\[\]]|\[(?:[^\[\]]|\[[^\[\]]*\])*\])*)\]")
_AWAITABLE_IMPORTED = re.compile(r"^(from collections\.abc import .*?)\bAwaitable, ", re.MULTILINE)


def synchronous(text: str) -> str:
    """The synchronous counterpart of a source text, not yet formatted."""
    plain = _KEYWORDS.sub("", _AWAITABLE_IMPORTED.sub(r"\1", text))
    plain = _AWAITABLE.sub(r"\1", plain)
    return NOTICE + _RENAMED.sub(lambda found: _WORDS[found[0]], plain)


def files() -> dict[Path, Callable[[], str]]:
    """Every file of the synchronous client, to be made when it is asked for. There must be no others."""
    sources = sorted((CLIENT / "_async").glob("*.py"))
    left_over = {path.name for path in (CLIENT / "_sync").glob("*.py")} - {path.name for path in sources}
    assert not left_over, f"remove from {CLIENT / '_sync'}: {left_over}"
    return {CLIENT / "_sync" / source.name: partial(_made_from, source) for source in sources}


def _made_from(source: Path) -> str:
    return formatted(synchronous(source.read_text(encoding="utf-8")))


def formatted(text: str) -> str:
    """The text as ``ruff`` would have it: shorter calls fit into fewer lines, imports sort anew."""
    # Files that do not exist yet would not be taken for the package's own.
    own = 'lint.isort.known-first-party = ["comptoir"]'
    for command in (("check", "--fix", "--quiet", "--select", "I", "--config", own), ("format", "--quiet")):
        ruff = [
            sys.executable,
            "-m",
            "ruff",
            *command,
            "--stdin-filename",
            "src/comptoir/client/_sync/x.py",
            "-",
        ]
        done = subprocess.run(  # noqa: S603 - the linter of this environment
            ruff,
            input=text,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            cwd=CLIENT.parents[2],
        )
        text = done.stdout
    return text
