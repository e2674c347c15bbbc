"""The architecture rules hold, and each of them finds its offender."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def load_checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_architecture", ROOT / "tools/check_architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


checker = load_checker()


def test_the_package_keeps_the_rules() -> None:
    assert checker.offences(ROOT / "src" / "comptoir") == []


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("customers/service.py", "from comptoir.orders import service", "imports point down"),
        ("orders/service.py", "from comptoir.customers import store", "only model and service files"),
        ("orders/service.py", "from comptoir.customers.rules import x", "only model and service files"),
        ("carts/rules.py", "from pathlib import Path", "a pure file must not import"),
        ("carts/rules.py", "import random", "a pure file must not import"),
        ("carts/planning.py", "from comptoir.db import Tx", "a pure file must not import the database"),
        ("core/money.py", "import msgspec", "standard library only"),
        ("carts/service.py", "import httpx2", "must not call the network"),
        ("wire/carts.py", "from comptoir.core import money", "imports point down"),
        ("api/carts.py", "from datetime import datetime\nx = datetime.now()", "outside clock/service.py"),
        ("carts/service.py", "import time\nx = time.time()", "outside clock/service.py"),
        ("carts/service.py", "import uuid\nx = uuid.uuid4()", "outside core/ids.py"),
        ("carts/service.py", "import secrets", "secrets are drawn in identity alone"),
        (
            "carts/service.py",
            'x = sql("SELECT id FROM carts WHERE account_id = :a")',
            "SQL outside a store file",
        ),
        ("carts/store.py", 'x = sql("SELECT id FROM carts WHERE id = :id")', "of every account"),
        ("orders/pricing.py", "x = 0.5", "a float"),
        ("wire/orders.py", "x: float", "the type float"),
        ("carts/service.py", "x.commit()", ".commit in a domain"),
        ("client/request.py", "from comptoir.core import money", "the client must not import"),
        ("client/request.py", "import anyio", "the client must not import"),
        ("client/request.py", "import uuid\nx = uuid.uuid4()", "outside core/ids.py"),
        ("mystery/model.py", "from comptoir.core import ids", "is in no layer"),
    ],
)
def test_each_rule_finds_its_offender(tmp_path: Path, file: str, text: str, reason: str) -> None:
    path = tmp_path / file
    path.parent.mkdir()
    path.write_text(text)
    found = checker.offences(tmp_path)
    assert any(reason in offence[2] for offence in found), found


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "orders/service.py",
            "from comptoir.customers import service\nfrom comptoir.customers.model import x",
        ),
        (
            "carts/store.py",
            '# Of every account: the worker purges.\nx = sql("DELETE FROM carts WHERE id = :id")',
        ),
        ("catalog/store.py", 'x = sql("SELECT id FROM products")'),
        ("identity/service.py", "import secrets"),
        ("core/ids.py", "import random"),
        ("clock/service.py", "from datetime import datetime\nx = datetime.now()"),
    ],
)
def test_what_is_allowed_is_let_through(tmp_path: Path, file: str, text: str) -> None:
    path = tmp_path / file
    path.parent.mkdir()
    path.write_text(text)
    assert checker.offences(tmp_path) == []
