"""Which addresses a webhook may be sent to, however its receiver spells them."""

import socket
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.delivery.networks import (
    Allowed,
    Endpoint,
    NotAnAddress,
    objection,
    parse_allowed,
    parse_endpoint,
    permitted,
)

NOTHING = Allowed()
HERE = Endpoint("https", "app.example", 443, "/")


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "4000::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_what_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(NotAnAddress, match="is not allowed: its network is"):
        permitted(HERE, [address], NOTHING)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2600::1",
        "2a00:1450:4001::5",
    ],
)
def test_what_is_public_is_called(address: str) -> None:
    assert permitted(HERE, [address], NOTHING) == [ip_address(address)]


def test_only_the_public_ones_of_a_name_s_addresses_are_called() -> None:
    mixed = ["127.0.0.1", "8.8.8.8", "::1", "2600::1"]
    assert [str(address) for address in permitted(HERE, mixed, NOTHING)] == ["8.8.8.8", "2600::1"]
    with pytest.raises(NotAnAddress, match="has no address"):
        permitted(HERE, [], NOTHING)


@pytest.mark.parametrize(
    ("allowed", "address", "is_allowed"),
    [
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8", "::ffff:127.0.0.1", True),
        ("127.0.0.0/8", "::1", False),
        ("127.0.0.0/8", "10.0.0.1", False),
        ("127.0.0.1", "127.0.0.2", False),
        ("::1, 10.1.0.0/16", "::1", True),
        ("::1, 10.1.0.0/16", "10.1.2.3", True),
        ("::1, 10.1.0.0/16", "10.2.2.3", False),
        ("fd00::/8", "fd12::1", True),
        ("10.1.2.3/16", "10.1.9.9", True),
        ("hooks.internal", "10.0.0.1", False),
        ("", "127.0.0.1", False),
    ],
)
def test_the_operator_allows_networks(allowed: str, address: str, is_allowed: bool) -> None:
    assert (objection(ip_address(address), parse_allowed(allowed)) is None) is is_allowed


@pytest.mark.parametrize(
    ("allowed", "host", "is_allowed"),
    [
        ("hooks.internal", "hooks.internal", True),
        ("Hooks.Internal.", "hooks.internal", True),
        ("hooks.internal", "hooks.internal.", True),
        ("hooks.internal", "evil.hooks.internal", False),
        ("hooks.internal, localhost", "localhost", True),
    ],
)
def test_the_operator_allows_hosts_by_name(allowed: str, host: str, is_allowed: bool) -> None:
    endpoint = Endpoint("http", host, 80, "/")
    if is_allowed:
        assert permitted(endpoint, ["10.0.0.1"], parse_allowed(allowed)) == [ip_address("10.0.0.1")]
        return
    with pytest.raises(NotAnAddress):
        permitted(endpoint, ["10.0.0.1"], parse_allowed(allowed))


@pytest.mark.parametrize("text", ["10.0.0.0/33", "300.1.1.1", "127.0.0.1-127.0.0.9", "1:2", "a/8"])
def test_what_is_neither_network_nor_host_is_told(text: str) -> None:
    with pytest.raises(NotAnAddress, match="neither a network nor a host"):
        parse_allowed(text)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://App.example/hook", Endpoint("https", "app.example", 443, "/hook")),
        ("http://app.example", Endpoint("http", "app.example", 80, "/")),
        ("http://app.example:8080/a%20b?c=d&e", Endpoint("http", "app.example", 8080, "/a%20b?c=d&e")),
        ("https://[2600::1]/x", Endpoint("https", "2600::1", 443, "/x")),
        ("http://127.1/", Endpoint("http", "127.1", 80, "/")),
    ],
)
def test_addresses_are_taken_apart(url: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(url) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example/hook",
        "ftp://app.example/",
        "file:///etc/passwd",
        "gopher://app.example/",
        "https:///hook",
        "https://user@app.example/",
        "https://user:secret@app.example/",
        "https://app.example@127.0.0.1/",
        "https://app.example:port/",
        "https://app.example:99999/",
        "https://[::1/",
        "https://app.example/\r\nX: y",
        "https://app.exämple/",
        "https://app.example/a b",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(NotAnAddress):
        parse_endpoint(url)


def test_a_checked_number_takes_the_place_of_the_name() -> None:
    plain = Endpoint("https", "app.example", 8443, "/hook?x=1")
    assert plain.authority == "app.example:8443"
    assert plain.at(ip_address("8.8.8.8")) == "https://8.8.8.8:8443/hook?x=1"
    assert plain.at(ip_address("2600::1")) == "https://[2600::1]:8443/hook?x=1"
    assert Endpoint("http", "app.example", 80, "/").authority == "app.example"
    assert Endpoint("http", "2600::1", 81, "/").authority == "[2600::1]:81"


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "0"])
def test_other_spellings_of_a_number_are_checked_as_what_they_mean(host: str) -> None:
    """The system reads them as IPv4 addresses: what it makes of them is looked at, not the spelling."""
    endpoint = parse_endpoint(f"http://{host}/")
    resolved = [str(info[4][0]) for info in socket.getaddrinfo(endpoint.host, 80, type=socket.SOCK_STREAM)]
    assert resolved
    with pytest.raises(NotAnAddress):
        permitted(endpoint, resolved, NOTHING)


@given(st.ip_addresses())
def test_no_address_is_both_special_and_called(address: object) -> None:
    """Whatever the standard library calls anything but global is never called."""
    checked = ip_address(str(address))
    if objection(checked, NOTHING) is None:
        meant = getattr(checked, "ipv4_mapped", None) or checked
        assert not any((meant.is_loopback, meant.is_link_local, meant.is_multicast, meant.is_unspecified))
        assert meant.is_global or str(meant).startswith("64:ff9b::")
