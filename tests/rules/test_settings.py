"""Where settings come from, and what is refused."""

from pathlib import Path

import pytest

from comptoir.settings import Settings, SettingsError, load


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('host = "file"\nport = 1\ndatabase = "file.db"\n')
    settings, origins = load(
        {"host": "flag", "port": None}, {"COMPTOIR_HOST": "environment", "COMPTOIR_PORT": "2"}, file
    )
    assert (settings.host, settings.port, settings.database) == ("flag", 2, "file.db")
    assert settings.tls is Settings().tls
    sources = {origin.name: origin.source for origin in origins}
    assert sources["host"] == "flag"
    assert sources["port"] == "COMPTOIR_PORT"
    assert sources["database"] == str(file)
    assert sources["tls"] == "default"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("colour = 1", "unknown setting 'colour'"),
        ("port = 'x'", "port must be int"),
        ("port = true", "port must be int"),
        ("tls = 1", "tls must be bool"),
        ("port = ", "Invalid"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, content: str, reason: str) -> None:
    file = tmp_path / "c.toml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=reason) as caught:
        load({}, {}, file)
    assert str(file) in str(caught.value)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load({}, {}, tmp_path / "missing.toml")


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("False", False), ("0", False)])
def test_flags_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({}, {"COMPTOIR_TLS": text})[0].tls is value


@pytest.mark.parametrize("more", [{"tls": True}, {"tls_cert": "c.pem"}])
def test_over_https_publishers_show_tokens(tmp_path: Path, more: dict[str, object]) -> None:
    (tmp_path / "c.toml").write_text("")
    with pytest.raises(SettingsError, match="dev_publisher_query and tls"):
        load({"dev_publisher_query": True, **more}, {}, tmp_path / "c.toml")
    assert load({"dev_publisher_query": True}, {}, tmp_path / "c.toml")[0].dev_publisher_query


@pytest.mark.parametrize(("size", "is_good"), [(0, False), (1, True), (100, True), (101, False)])
def test_pages_of_publishers_are_bounded(tmp_path: Path, size: int, is_good: bool) -> None:
    (tmp_path / "c.toml").write_text("")
    if is_good:
        assert load({"publisher_page_size": size}, {}, tmp_path / "c.toml")[0].publisher_page_size == size
    else:
        with pytest.raises(SettingsError, match="publisher_page_size must be 1 to 100"):
            load({"publisher_page_size": size}, {}, tmp_path / "c.toml")
