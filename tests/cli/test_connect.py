"""``comptoir connect``: programs with live ids, run as they are printed where that needs nothing else."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Comptoir, is_one_line
from tests.client.served import Served
from tests.started import environment, started

from comptoir.bootstrap.making import Made
from comptoir.cli.connect import QUOTED, Values, render
from comptoir.client.credentials import of_text

SECONDS_MAX = 60
NO_CUSTOMER = "11111111-2222-4333-8444-555555555555"
NODE = shutil.which("node")
BASH = shutil.which("bash")
FOREIGN = {
    "dotnet": 'PartnerService.Instance.ApiRootUrl = "{url}";',
    "java": 'PartnerService.getInstance().setApiRootUrl("{url}");',
    "node": 'const baseUrl = "{url}";',
    "powershell": ".PartnerCenterEndpoint = '{url}'",
}


def run(folder: Path, *command: str) -> str:
    """What a program prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=SECONDS_MAX,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def run_snippet(comptoir: Comptoir, folder: Path, language: str, *flags: str) -> str:
    """What the printed program prints."""
    printed = comptoir("connect", language, *flags)
    assert (printed.status, printed.error) == (0, "")
    file = folder / language
    file.write_text(printed.out, encoding="utf-8")
    if language == "python":
        return run(folder, sys.executable, "-X", "utf8", "-W", "error", str(file))
    assert BASH is not None
    return run(folder, BASH, "-euo", "pipefail", str(file))


def american(server: Served | Made) -> tuple[str, str]:
    """Id and name of the first sandbox customer in the United States."""
    made = server.made if isinstance(server, Served) else server
    account = next(account for account in made.accounts if account.name == "sandbox")
    return next((customer.id, customer.name) for customer in account.customers if customer.country == "US")


@pytest.mark.skipif(sys.platform == "win32", reason="the curl snippet is for a POSIX shell")
@pytest.mark.skipif(BASH is None or shutil.which("curl") is None, reason="there is no bash or no curl here")
def test_the_curl_snippet_runs_as_printed(comptoir: Comptoir, server: Served, folder: Path) -> None:
    customer_id, name = american(server)
    out = run_snippet(comptoir, folder, "curl", "--customer", customer_id)
    customer, product, skus, subscriptions = out.splitlines()
    assert f'"id":"{customer_id}"' in customer
    assert f'"companyName":"{name}"' in customer
    assert '"productType":{"id":"Azure"' in product
    assert '"totalCount":' in skus
    assert '"items":[' in subscriptions


def test_the_python_snippet_runs_as_printed(comptoir: Comptoir, server: Served, folder: Path) -> None:
    customer_id, name = american(server)
    out = run_snippet(comptoir, folder, "python", "--customer", customer_id)
    assert out.splitlines()[0] == f"{customer_id} {name}"
    assert len(out.splitlines()) >= 3


@pytest.mark.skipif(BASH is None or shutil.which("curl") is None, reason="there is no bash or no curl here")
def test_snippets_trust_the_own_certificate_authority(
    comptoir: Comptoir, market_made: Made, folder: Path
) -> None:
    customer_id, name = american(market_made)
    with started(folder, "--tls"):
        assert f'"companyName":"{name}"' in run_snippet(comptoir, folder, "curl", "--customer", customer_id)
        assert name in run_snippet(comptoir, folder, "python", "--customer", customer_id)
        authority = str(folder / ".comptoir" / "tls" / "authority.pem")
        for language in FOREIGN:
            assert authority in comptoir("connect", language).out


@pytest.mark.parametrize("language", FOREIGN)
def test_snippets_for_other_clients_have_live_values(
    comptoir: Comptoir, server: Served, language: str
) -> None:
    printed = comptoir(
        "connect", language, "--account", "production", "--user", "ada@rivermark-cloud.example"
    )
    assert (printed.status, printed.error) == (0, "")
    account = server.account("production")
    assert FOREIGN[language].format(url=server.url) in printed.out
    assert account.tenant_id in printed.out
    assert account.applications[0].client_id in printed.out
    assert any(customer.id in printed.out for customer in account.customers)
    assert "eyJ" in printed.out
    assert "{{" not in printed.out
    assert "authority" not in printed.out.lower()


@pytest.mark.skipif(NODE is None, reason="there is no node here")
def test_the_node_snippet_is_a_program(comptoir: Comptoir, server: Served, folder: Path) -> None:
    assert NODE is not None
    (folder / "connect.mjs").write_text(comptoir("connect", "node").out, encoding="utf-8")
    run(folder, NODE, "--check", "connect.mjs")


def test_the_token_is_fresh(comptoir: Comptoir, server: Served) -> None:
    before = time.time()
    printed = comptoir("connect", "python").out
    token = next(line for line in printed.splitlines() if line.startswith("TOKEN = ")).split('"')[1]
    expires_at = of_text(token).expires_at
    assert expires_at is not None
    assert before + 3590 < expires_at < time.time() + 3610


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("cobol",), '"curl"'),
        ((), "--language"),
        (("curl", "--profile", "mine"), "server of this machine"),
        (("curl", "--account", "nobody"), "There is no account nobody."),
    ],
)
def test_wrong_usage(comptoir: Comptoir, server: Served, arguments: tuple[str, ...], reason: str) -> None:
    refused = comptoir("connect", *arguments)
    assert is_one_line(refused), refused
    assert reason in refused.error


def test_an_unknown_customer_prints_no_program(comptoir: Comptoir, server: Served) -> None:
    refused = comptoir("connect", "curl", "--customer", NO_CUSTOMER)
    assert (refused.status, refused.out) == (1, "")
    assert refused.error.startswith("comptoir: 404/60003 ")


def test_values_stand_as_literals_of_the_language() -> None:
    hostile = "a'b\"c\\d$(e)"
    values = Values(*[hostile] * 8)
    assert render("{{token}}", values, QUOTED["python"]) == '"a\'b\\"c\\\\d$(e)"\n'
    assert render("{{token}}", values, QUOTED["powershell"]) == "'a''b\"c\\d$(e)'\n"
    assert render("{{token}}", values, QUOTED["curl"]) == "'a'\"'\"'b\"c\\d$(e)'\n"
    assert render("{{tls}}x\n{{plain}}y\nz", values, QUOTED["java"]) == "x\nz\n"
    plain = Values("u", "", "t", "c", "k", "i", "US", "p")
    assert render("{{tls}}x\n{{plain}}y\nz", plain, QUOTED["java"]) == "y\nz\n"
