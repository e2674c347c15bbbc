"""Makes docs/reference/client.md: every call of the client, from its source, the table and the examples."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import cleandoc, getdoc
from pathlib import Path

import comptoir.client
from comptoir.client import ClientCredentials, RefreshToken, RetryPolicy, errors
from comptoir.client.errors import ComptoirError
from comptoir.wire.operation import Operation
from comptoir.wire.operations import BY_ID

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "comptoir" / "client" / "_sync"
EXAMPLES = ROOT / "docs" / "examples" / "client.py"

_ATTRIBUTE = re.compile(r"self\.(\w+) = (\w+)\(connection\)")
_CODE = re.compile(r"``(.+?)``")


@dataclass(frozen=True, slots=True)
class Call:
    """A method of a group: its signature as it is written, its words, and its operation."""

    name: str
    signature: str
    words: str
    operation: Operation


def page() -> str:
    """The whole page."""
    examples = _examples()
    parts = ["# Python client", "", _module_words(), "", *_client_section(), *_error_section()]
    for attribute, class_name in _groups().items():
        calls, words = _calls(class_name)
        parts += [f"## client.{attribute}", "", words, ""]
        for call in calls:
            parts += [*_call_section(attribute, call, examples), ""]
    return "\n".join(parts)


def _client_section() -> list[str]:
    """What there is besides calls. Classes that are made anew with this page are read from their source."""
    lines = ["## Comptoir and AsyncComptoir", "", _class_words("client", "Comptoir"), ""]
    lines += [f"`{_signature_of_init()}`", "", _ASYNC_WORDS, "", "## Credentials", ""]
    for kind in (ClientCredentials, RefreshToken):
        lines += [f"**{kind.__name__}.** {_words(kind)}", ""]
    lines += ["## Lists", "", _class_words("pages", "Pages"), ""]
    return [*lines, "## Repeating", "", _words(RetryPolicy), ""]


_ASYNC_WORDS = """\
`AsyncComptoir` has the same calls, to be awaited. Its lists are gone through with `async for`, and it is
closed with `aclose`."""


def _words(documented: type) -> str:
    return _markdown(getdoc(documented) or "")


def _class_words(module: str, name: str) -> str:
    return _markdown(ast.get_docstring(_class(module, name)) or "")


def _markdown(text: str) -> str:
    return _CODE.sub(r"`\1`", text)


def _module_words() -> str:
    """The package's own words; what is indented there is code."""
    blocks = cleandoc(comptoir.client.__doc__ or "").split("\n\n")
    shown = []
    for is_code, text in _merged(blocks):
        shown.append(f"```python\n{cleandoc(text)}\n```" if is_code else _markdown(text))
    return "\n\n".join(shown)


def _merged(blocks: list[str]) -> Iterator[tuple[bool, str]]:
    code: list[str] = []
    for block in [*blocks, ""]:
        if block.startswith("    "):
            code.append(block)
            continue
        if code:
            yield True, "\n\n".join(code)
            code = []
        if block:
            yield False, block


def _signature_of_init() -> str:
    (init,) = [each for each in _class("client", "Comptoir").body if getattr(each, "name", "") == "__init__"]
    assert isinstance(init, ast.FunctionDef)
    return f"Comptoir({_arguments(init)})"


def _error_section() -> list[str]:
    lines = ["## Errors", "", _words(ComptoirError), "", "| error | is a | meaning |", "|---|---|---|"]
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, ComptoirError) and kind is not ComptoirError:
            words = " ".join(_words(kind).split())
            lines.append(f"| `{name}` | `{kind.__base__.__name__ if kind.__base__ else ''}` | {words} |")
    return [*lines, ""]


def _groups() -> Mapping[str, str]:
    """The groups of calls in the client's own order: attribute and class."""
    text = (SOURCE / "client.py").read_text(encoding="utf-8")
    return dict(_ATTRIBUTE.findall(text))


def _class(module: str, name: str) -> ast.ClassDef:
    tree = ast.parse((SOURCE / f"{module}.py").read_text(encoding="utf-8"))
    return next(each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == name)


def _calls(class_name: str) -> tuple[list[Call], str]:
    """The calls of a group, and its words."""
    for path in SOURCE.glob("*.py"):
        for each in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(each, ast.ClassDef) and each.name == class_name:
                methods = [method for method in each.body if isinstance(method, ast.FunctionDef)]
                calls = [_call(method) for method in methods if not method.name.startswith("_")]
                return calls, _markdown(ast.get_docstring(each) or "")
    raise AssertionError(f"there is no class {class_name}")


def _call(method: ast.FunctionDef) -> Call:
    returns = "" if method.returns is None else f" -> {ast.unparse(method.returns)}"
    signature = f"{method.name}({_arguments(method)}){returns}"
    words = _markdown(ast.get_docstring(method) or "")
    return Call(method.name, signature, words, BY_ID[_operation_id(method)])


def _arguments(method: ast.FunctionDef) -> str:
    return ast.unparse(method.args).removeprefix("self, ").removeprefix("self")


def _operation_id(method: ast.FunctionDef) -> str:
    """The first argument of the call to the connection."""
    for node in ast.walk(method):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("self._connection."):
            identifier = node.args[0]
            assert isinstance(identifier, ast.Constant)
            return str(identifier.value)
    raise AssertionError(f"{method.name} calls nothing")


def _examples() -> Mapping[str, str]:
    _, *parts = re.split(r"^# %% ", EXAMPLES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: code.strip() for name, _, code in (part.partition("\n") for part in parts)}


def _call_section(attribute: str, call: Call, examples: Mapping[str, str]) -> list[str]:
    operation = call.operation
    caller = ", for a user only" if operation.user_only else ""
    refusals = f" Refusals: {', '.join(operation.errors)}." if operation.errors else ""
    return [
        f"### client.{attribute}.{call.name}",
        "",
        f"`{call.signature}`",
        "",
        call.words,
        "",
        f"`{operation.method} {operation.path}`{caller}.{refusals}",
        "",
        "```python",
        examples[operation.id],
        "```",
    ]
