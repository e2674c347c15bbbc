"""The architecture rules that `make check` verifies; docs/architecture.md explains them.

Reads the source as text and syntax trees, imports nothing of it. Prints one line per offence and exits with 1
if there is any.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "comptoir"
LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(layer.split())
    for layer in (
        "__main__",
        "cli",
        "demo",
        "bootstrap",
        "api portal client sample_publisher",
        "worker",
        "carts billing fulfillment webhooks",
        "delivery orders usage",
        "subscriptions",
        "customers",
        "catalog",
        "identity",
        "clock",
        "audit",
        "db",
        "core wire settings",
    )
)
"""From the top down: a part imports only parts of the layers below its own."""

DOMAINS = frozenset(
    {
        "audit",
        "clock",
        "identity",
        "catalog",
        "customers",
        "subscriptions",
        "orders",
        "carts",
        "usage",
        "billing",
        "delivery",
        "fulfillment",
        "webhooks",
    }
)
PURE_FORBIDDEN = frozenset(
    {
        "asyncio",
        "apsw",
        "asyncpg",
        "http",
        "httpx2",
        "io",
        "logging",
        "os",
        "pathlib",
        "random",
        "secrets",
        "shutil",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib.request",
    }
)
NETWORK = frozenset(["http.client", "httpx2", "socket", "urllib.request", "smtplib"])
TABLES_OF_ALL_ACCOUNTS = frozenset(
    {
        "instance",
        "signing_keys",
        "publishers",
        "products",
        "skus",
        "availabilities",
        "sku_stock",
        "schema_version",
    }
)
CLIENT_SURROUNDINGS = Path("client/surroundings.py")
SEEN_BY_CLIENT = frozenset({"client", "wire", "__version__"})
WALL_CLOCK = frozenset({"now", "utcnow", "today", "time", "time_ns"})
TABLE_NAME = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+([a-z_]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its path below the package, its parts, its text and its tree."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def part(self) -> str:
        return self.path.parts[0].removesuffix(".py")

    @property
    def does_io(self) -> bool:
        return self.path.name.startswith(("store", "service"))

    @property
    def is_pure(self) -> bool:
        return self.part == "core" or (self.part in DOMAINS and not self.does_io)


Offence = tuple[Path, int, str]


def read_sources(root: Path) -> list[Source]:
    """Every Python file of the package below ``root`` but the migrations, which are database scripts."""
    files = sorted(path for path in root.rglob("*.py") if "migrations" not in path.parts)
    texts = [(path.relative_to(root), path.read_text(encoding="utf-8")) for path in files]
    return [Source(path, text, ast.parse(text)) for path, text in texts]


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def check_layers(source: Source) -> Iterator[Offence]:
    """Imports point down. A domain sees another domain's ``model`` and ``service`` files only."""
    level = _level(source.part)
    for line, name in imports(source):
        parts = name.split(".")
        if parts[0] != PACKAGE or len(parts) < 2:
            continue
        target = parts[1]
        if target in {source.part, "__version__"}:
            continue
        target_level = _level(target)
        if target_level is None or level is None:
            yield source.path, line, f"{target if target_level is None else source.part} is in no layer"
        elif target_level <= level:
            yield source.path, line, f"{source.part} must not import {name}: imports point down"
        elif source.part in DOMAINS and target in DOMAINS and len(parts) > 2 and _is_private(parts[2]):
            yield source.path, line, f"{source.part} must not import {name}: only model and service files"


def check_client(source: Source) -> Iterator[Offence]:
    """The client sees only the wire, and stands on what installing without extras brings."""
    if source.part != "client":
        return
    allowed = {*sys.stdlib_module_names, "msgspec", "httpx2"}
    for line, name in imports(source):
        root, _, rest = name.partition(".")
        is_allowed = rest.split(".")[0] in SEEN_BY_CLIENT if root == PACKAGE else root in allowed
        if not is_allowed:
            yield source.path, line, f"the client must not import {name}"


def _level(part: str) -> int | None:
    return next((index for index, layer in enumerate(LAYERS) if part in layer), None)


def _is_private(module: str) -> bool:
    return module.startswith(("store", "rules"))


def check_purity(source: Source) -> Iterator[Offence]:
    """Pure files import nothing that does I/O, keeps time or draws lots; core only the standard library."""
    for line, name in imports(source):
        if source.is_pure and _any_prefix(name, PURE_FORBIDDEN - _allowed_here(source)):
            yield source.path, line, f"a pure file must not import {name}"
        if source.is_pure and name.startswith(f"{PACKAGE}.db"):
            yield source.path, line, "a pure file must not import the database"
        if source.part == "core" and name.split(".")[0] not in {*sys.stdlib_module_names, PACKAGE}:
            yield source.path, line, f"core must not import {name}: standard library only"
        if source.part in DOMAINS - {"delivery"} and _any_prefix(name, NETWORK):
            yield source.path, line, f"a domain must not call the network ({name})"


def _allowed_here(source: Source) -> frozenset[str]:
    if source.path == Path("core/ids.py"):
        return frozenset({"random"})
    return frozenset({"secrets", "os", "pathlib"}) if source.part == "identity" else frozenset()


def _any_prefix(name: str, modules: frozenset[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def check_time_and_chance(source: Source) -> Iterator[Offence]:
    """Only ``clock/service.py`` reads the wall clock, only ``core/ids.py`` draws ids.

    The database engines may draw how long to wait after a lost race. The client runs on another machine
    than the server and has a file for both of its own.
    """
    if source.path == CLIENT_SURROUNDINGS:
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner, name = ast.unparse(node.func.value), node.func.attr
        is_clock = owner in {"datetime", "date", "datetime.datetime", "time"} and name in WALL_CLOCK
        if is_clock and source.path != Path("clock/service.py"):
            yield source.path, node.lineno, f"{owner}.{name}() outside clock/service.py"
        is_drawn = (owner == "uuid" and name in {"uuid1", "uuid4"}) or owner == "random"
        if is_drawn and source.path != Path("core/ids.py") and source.part != "db":
            yield source.path, node.lineno, f"{owner}.{name}() outside core/ids.py"
    for line, name in imports(source):
        if _any_prefix(name, frozenset({"secrets"})) and source.part != "identity":
            yield source.path, line, "secrets are drawn in identity alone"


def check_sql(source: Source) -> Iterator[Offence]:
    """Statements stand in ``store`` files only and name the account, or say above why not."""
    lines = source.text.splitlines()
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sql"):
            continue
        if source.part != "db" and not source.path.name.startswith("store"):
            yield source.path, node.lineno, "SQL outside a store file"
        text = " ".join(
            part.value
            for part in ast.walk(node)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        )
        tables = set(TABLE_NAME.findall(text)) - TABLES_OF_ALL_ACCOUNTS
        explained = lines[node.lineno - 2].lstrip().startswith("#") if node.lineno > 1 else False
        if tables and "account_id" not in text and not explained:
            yield source.path, node.lineno, f"reads {sorted(tables)} of every account without saying why"


def check_money(source: Source) -> Iterator[Offence]:
    """No float in the core, in a domain or on the wire."""
    if source.part not in DOMAINS | {"core", "wire"}:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield source.path, node.lineno, f"a float: {node.value}"
        if isinstance(node, ast.Name) and node.id == "float":
            yield source.path, node.lineno, "the type float"


def check_commit(source: Source) -> Iterator[Offence]:
    """Domain code never commits: the edge opens and ends transactions."""
    if source.part not in DOMAINS:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "rollback"}:
            yield source.path, node.lineno, f".{node.attr} in a domain"


CHECKS = (
    check_layers,
    check_client,
    check_purity,
    check_time_and_chance,
    check_sql,
    check_money,
    check_commit,
)


def offences(root: Path) -> list[Offence]:
    """Everything below ``root`` that breaks a rule, in the order of the files."""
    return [offence for source in read_sources(root) for check in CHECKS for offence in check(source)]


def main() -> int:
    root = Path(__file__).parents[1] / "src" / PACKAGE
    found = offences(root)
    for path, line, reason in found:
        print(f"src/{PACKAGE}/{path.as_posix()}:{line}: {reason}")
    print(f"architecture: {len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
