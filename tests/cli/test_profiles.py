"""Profiles: where they are kept, what is kept, and ``comptoir profile``."""

import io
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Comptoir, is_one_line
from tests.client.served import Served

from comptoir.cli import profiles
from comptoir.cli.profiles import Profile, ProfileError

REAL = Profile("https://api.partnercenter.microsoft.com", "contoso.example", "app", "hush")


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"COMPTOIR_CONFIG": "here"}, "linux", Path("here/profiles.toml")),
        ({"COMPTOIR_CONFIG": "here"}, "win32", Path("here/profiles.toml")),
        ({"XDG_CONFIG_HOME": "/x"}, "linux", Path("/x/comptoir/profiles.toml")),
        ({}, "linux", Path.home() / ".config/comptoir/profiles.toml"),
        ({"APPDATA": "/roaming"}, "win32", Path("/roaming/comptoir/profiles.toml")),
        ({}, "win32", Path.home() / "AppData/Roaming/comptoir/profiles.toml"),
        ({}, "darwin", Path.home() / "Library/Application Support/comptoir/profiles.toml"),
    ],
)
def test_the_file_lies_where_the_platform_keeps_settings(
    environment: dict[str, str], platform: str, expected: Path
) -> None:
    assert profiles.file(environment, platform) == expected


@pytest.mark.parametrize(
    "secret", ["plain", 'a"b\\c', "tab\tnew\nline", "😀 é", "\x7f\x01", "[table]", "# no"]
)
def test_whatever_a_secret_holds_is_read_back(tmp_path: Path, secret: str) -> None:
    path = tmp_path / "new" / "profiles.toml"
    kept = Profile("http://127.0.0.1:1", "tenant", "app", secret, "https://login.example", "C:\\ca.pem")
    profiles.add(path, "one", REAL)
    profiles.add(path, "two", kept)
    assert profiles.read(path) == {"one": REAL, "two": kept}
    profiles.remove(path, "one")
    assert profiles.read(path) == {"two": kept}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows protects the user's folder instead")
def test_nobody_else_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    profiles.add(path, "one", REAL)
    profiles.add(path, "two", REAL)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["profiles.toml"]


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("local", REAL),
        ("a name", REAL),
        ("", REAL),
        ("ok", Profile("ftp://x", "t", "a", "s")),
        ("ok", Profile("api.partnercenter.microsoft.com", "t", "a", "s")),
        ("ok", Profile("https://x", "t", "a", "s", authority="login")),
        ("ok", Profile("https://[x", "t", "a", "s")),
        ("ok", Profile("https://x:99999", "t", "a", "s")),
        ("ok", Profile("https://x", "t", "a", "")),
    ],
)
def test_a_profile_that_cannot_be_used_is_not_kept(tmp_path: Path, name: str, profile: Profile) -> None:
    with pytest.raises(ProfileError):
        profiles.add(tmp_path / "profiles.toml", name, profile)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["[one", "[one]\nbase_url = 'x'", "[one]\ncolour = 'blue'", "one = 1"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(text)
    with pytest.raises(ProfileError, match=r"profiles\.toml"):
        profiles.read(path)


def _add(comptoir: Comptoir, server: Served, *flags: str, name: str = "mine") -> None:
    account = server.account()
    identity = ("--tenant", account.tenant_id, "--client-id", account.applications[0].client_id)
    added = comptoir("profile", "add", name, "--base-url", f"{server.url}/", *identity, *flags)
    assert (added.status, added.error) == (0, ""), added.error


def test_a_profile_calls_with_its_own_credentials(
    comptoir: Comptoir, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTOIR_CLIENT_SECRET", server.account().applications[0].client_secret)
    _add(comptoir, server, "--authority", server.url)
    monkeypatch.delenv("COMPTOIR_DATABASE")
    listed = comptoir("customers", "--profile", "mine")
    assert {line.split()[0] for line in listed.out.splitlines()[1:]} == {
        customer.id for customer in server.account().customers
    }
    monkeypatch.setenv("COMPTOIR_PROFILE", "mine")
    assert "Lanternwick" in comptoir("products", "list", "--country", "US").out


def test_a_secret_comes_from_standard_input_where_nobody_can_be_asked(
    comptoir: Comptoir, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = server.account().applications[0].client_secret
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{secret}\n"))
    _add(comptoir, server)
    assert comptoir("products", "list", "--country", "US", "--profile", "mine").status == 0


def test_a_wrong_secret_is_told_in_one_line(
    comptoir: Comptoir, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTOIR_CLIENT_SECRET", "wrong")
    _add(comptoir, server)
    refused = comptoir("products", "list", "--country", "US", "--profile", "mine")
    assert refused.status == 1
    assert refused.error.startswith("comptoir: invalid_client: AADSTS7000215")
    assert refused.error.count("\n") == 1


def test_profiles_are_listed_without_their_secrets(
    comptoir: Comptoir, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTOIR_CLIENT_SECRET", "hush-hush")
    _add(comptoir, server, name="b")
    _add(comptoir, server, name="a")
    listed = comptoir("profile", "list").out
    assert [line.split()[0] for line in listed.splitlines()] == ["Profile", "local", "a", "b"]
    assert server.url in listed
    assert "hush" not in listed
    assert comptoir("profile", "remove", "a").status == 0
    assert [line.split()[0] for line in comptoir("profile", "list").out.splitlines()[1:]] == ["local", "b"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("products", "list", "--country", "US", "--profile", "nobody"), "there are: local"),
        (("profile", "remove", "nobody"), "there are: local"),
        (("profile", "remove", "local"), "there is no profile 'local'"),
        (("profile", "add", "x", "--base-url", "http://127.0.0.1"), "--tenant"),
    ],
)
def test_an_unknown_profile_changes_nothing(
    comptoir: Comptoir, server: Served, folder: Path, arguments: tuple[str, ...], reason: str
) -> None:
    refused = comptoir(*arguments)
    assert is_one_line(refused), refused
    assert reason in refused.error
    assert not (folder / "config").exists()


def test_flags_of_the_local_profile_go_with_no_other(
    comptoir: Comptoir, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTOIR_CLIENT_SECRET", "hush")
    _add(comptoir, server)
    refused = comptoir("skus", "list", "X", "--country", "US", "--profile", "mine", "--account", "production")
    assert is_one_line(refused)
    assert "go with the profile local alone" in refused.error


def test_a_certificate_authority_that_is_not_there(
    comptoir: Comptoir, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTOIR_CLIENT_SECRET", "hush")
    _add(comptoir, server, "--ca-file", "missing.pem")
    refused = comptoir("products", "list", "--country", "US", "--profile", "mine")
    assert is_one_line(refused)
    assert "missing.pem" in refused.error
