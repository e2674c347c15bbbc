"""The unmodified official Java SDK walks from a token to the end of a subscription and to its cost.

``java/`` holds a driver of ours over the SDK, which Maven gets from its central repository. The driver prints
one line for each step.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from tests.conformance.billed import bill
from tests.engines import create_postgresql, drop_postgresql
from tests.tls_server import TlsServer, started

pytestmark = pytest.mark.conformance

PROJECT = Path(__file__).parent / "java"
TARGET = PROJECT / "target"
MAIN = "comptoir.conformance.Walk"
SDK = "com.microsoft.store:partnercenter"
BUILD_SECONDS_MAX = 420
WALK_SECONDS_MAX = 120
ADMIN = "ada@rivermark-cloud.example"
CHAPTERS = (
    "token.by_application_credentials",
    "customers.page_by_link",
    "agreements.create",
    "products.by_country_and_view",
    "customer_availabilities.by_segment",
    "inventory.check",
    "carts.checkout",
    "orders.by_billing_cycle",
    "orders.provisioning_status",
    "activation_links.by_order_line",
    "activation_links.by_subscription",
    "orders.cancel",
    "subscriptions.activate",
    "subscriptions.by_order",
    "subscriptions.by_partner",
    "subscriptions.patch_friendly_name",
    "subscriptions.patch_quantity",
    "subscriptions.patch_auto_renew_off",
    "subscriptions.cancel",
    "invoices.page",
    "invoices.lines",
    "invoices.usage",
    "invoices.lines_by_path",
    "invoices.unbilled",
    "invoices.unbilled_usage",
    "invoices.estimate_links",
    "invoices.statement",
)
"""Steps without which the walk has not been the whole one."""


@pytest.fixture(scope="session")
def class_path() -> str:
    """The compiled driver and the libraries that it needs; built again if its sources have changed."""
    for command in ("java", "keytool", "mvn"):
        if shutil.which(command) is None:
            _miss(f"{command} is not installed (Debian: apt-get install default-jdk-headless maven)")
    with FileLock(PROJECT / ".lock", timeout=BUILD_SECONDS_MAX):
        stamp = TARGET / "built-from"
        digest = _digest_of_sources()
        if not stamp.exists() or stamp.read_text(encoding="ascii") != digest:
            _build()
            stamp.write_text(digest, encoding="ascii")
    return f"{TARGET / 'classes'}{os.pathsep}{TARGET / 'libraries' / '*'}"


def _miss(reason: str) -> None:
    """Nothing is tested for want of a tool: an error where the tools are promised, else a loud skip."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"the Java SDK cannot be run: {reason}")
    pytest.skip(f"THE JAVA SDK IS NOT TESTED: {reason}")


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for path in [PROJECT / "pom.xml", *sorted((PROJECT / "src").rglob("*.java"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _build() -> None:
    """Without a network if Maven's cache has everything, else with it."""
    shutil.rmtree(TARGET, ignore_errors=True)
    if _maven("--offline").returncode == 0:
        return
    done = _maven("--update-snapshots")  # which also asks again for what was missing the last time
    missing = re.search(rf"Could not find artifact {SDK}\S+", done.stdout)
    if missing is not None:
        pytest.skip(f"THE JAVA SDK IS NOT TESTED: {missing[0]} in any repository that Maven reaches")
    assert done.returncode == 0, done.stdout


def _maven(*options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["mvn", "--batch-mode", "--quiet", *options, "process-classes"],
        cwd=PROJECT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_SECONDS_MAX,
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, class_path: str, tmp_path: Path) -> Iterator[TlsServer]:
    """A marketplace of its own for the walk, whose customer has bought nothing; another one has invoices."""
    if request.param == "sqlite":
        with started(tmp_path, str(tmp_path / "market.db")) as sqlite:
            bill(sqlite)
            yield sqlite
        return
    postgresql: str = request.getfixturevalue("postgresql_server")
    url = create_postgresql(postgresql, "java_sdk")
    with started(tmp_path, url) as server:
        bill(server)
        yield server
    drop_postgresql(postgresql, url)


def test_the_whole_walk(server: TlsServer, class_path: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            "java",
            *_machine(server, tmp_path),
            *_settings(server),
            "-cp",
            class_path,
            "comptoir.conformance.Walk",
        ],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WALK_SECONDS_MAX,
    )
    print(done.stdout)
    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith("FAIL ")]
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, done.stdout
    assert {f"ok {step}" for step in CHAPTERS} <= set(lines)


def _machine(server: TlsServer, folder: Path) -> list[str]:
    """Options of the virtual machine: it trusts our authority, and starts fast."""
    store = folder / "trust.p12"
    options = {
        "alias": "comptoir",
        "file": str(server.authority),
        "keystore": str(store),
        "storetype": "PKCS12",
        "storepass": "changeit",
    }
    arguments = [word for name, value in options.items() for word in (f"-{name}", value)]
    subprocess.run(
        ["keytool", "-importcert", "-noprompt", *arguments], check=True, capture_output=True, timeout=60
    )
    return [
        f"-Djavax.net.ssl.trustStore={store}",
        "-Djavax.net.ssl.trustStorePassword=changeit",
        "-XX:TieredStopAtLevel=1",
        "-Xmx256m",
    ]


def _settings(server: TlsServer) -> list[str]:
    account = server.account("sandbox")
    application = account["applications"][0]
    customer = next(each for each in account["customers"] if each["country"] == "US")
    settings = {
        "url": server.url,
        "token": server.token("--account", "sandbox", "--user", ADMIN),
        "clientId": application["clientId"],
        "clientSecret": application["clientSecret"],
        "customer": customer["id"],
        "companyName": customer["name"],
        "country": customer["country"],
        "product": "Lanternwick Desk",
        "plan": "Team",
    }
    return [f"-Dcomptoir.{name}={value}" for name, value in settings.items()]
