"""Whose address counts: both proxies' shapes of X-Forwarded-For, forged parts, odd spellings, and the allow-list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.webhook.peers import Caller, Peers, read_address, read_networks

BEHIND_NGINX = Peers.named((), ["127.0.0.1", "10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("direct", "forwarded", "peer"),
    [
        # nobody is trusted to speak for others: as Serve's Python proxy leaves the header, and as HAProxy does
        ("203.0.113.9", "6.6.6.6", "203.0.113.9"),
        ("203.0.113.9", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9", "127.0.0.1, 203.0.113.9", "203.0.113.9"),
        # a trusted proxy, seen through the Python proxy
        ("127.0.0.1", "52.89.214.238", "52.89.214.238"),
        ("127.0.0.1", "6.6.6.6, 52.89.214.238", "52.89.214.238"),
        # the same, seen through HAProxy, which appends the direct peer
        ("127.0.0.1", "52.89.214.238, 127.0.0.1", "52.89.214.238"),
        ("127.0.0.1", "6.6.6.6, 52.89.214.238, 127.0.0.1", "52.89.214.238"),
        # two proxies in a row
        ("10.0.0.2", "6.6.6.6, 52.89.214.238, 10.0.0.1", "52.89.214.238"),
        ("10.0.0.2", "6.6.6.6, 52.89.214.238, 10.0.0.1, 10.0.0.2", "52.89.214.238"),
        # the proxy itself asks, or says nothing that can be read
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("10.0.0.2", "10.0.0.9", "10.0.0.2"),
        ("127.0.0.1", "52.89.214.238, bogus", "127.0.0.1"),
        ("127.0.0.1", "52.89.214.238, ", "127.0.0.1"),
        ("127.0.0.1", "bogus, 52.89.214.238", "52.89.214.238"),
        # spellings
        ("::ffff:127.0.0.1", "::ffff:52.89.214.238", "52.89.214.238"),
        ("127.0.0.1", "52.89.214.238:443", "52.89.214.238"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("fd00::1%eth0", "2001:DB8:0::1%7", "2001:db8::1"),
        ("", "52.89.214.238", "unknown"),
        ("testclient", "52.89.214.238", "unknown"),
    ],
)
def test_caller_when_header_is_there_then_only_a_trusted_proxys_last_word_counts(
    direct: str, forwarded: str, peer: str
) -> None:
    assert BEHIND_NGINX.caller(direct, forwarded).peer == peer


def test_caller_when_direct_peer_is_no_proxy_then_it_is_not_via_one() -> None:
    assert not BEHIND_NGINX.caller("203.0.113.9", "127.0.0.1").via_proxy
    assert BEHIND_NGINX.caller("127.0.0.1", "203.0.113.9").via_proxy
    assert not Peers().caller("127.0.0.1", "203.0.113.9").via_proxy


@given(st.text(max_size=80), st.sampled_from(["", ", 127.0.0.1"]))
def test_caller_when_left_part_is_anything_then_the_peer_stays(forged: str, appended: str) -> None:
    seen = BEHIND_NGINX.caller("127.0.0.1", f"{forged},52.89.214.238{appended}")
    assert seen.peer == "52.89.214.238"


@given(st.text(max_size=200), st.text(max_size=200))
def test_caller_when_anything_is_sent_then_it_never_raises(direct: str, forwarded: str) -> None:
    assert BEHIND_NGINX.caller(direct, forwarded).peer
    assert BEHIND_NGINX.caller("127.0.0.1", forwarded).peer


@pytest.mark.parametrize(
    "text",
    [
        *("", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:123456", "[::1", "[::1]x", "[::1]:"),
        *("::g", "１.2.3.4", "1.2.3.4/8", "unix:", "_hidden", "1.2.3.4%eth0", "a" * 1000, "[1.2.3.4]:80 x", ":80"),
    ],
)
def test_read_address_when_text_is_none_then_none(text: str) -> None:
    assert read_address(text) is None


@pytest.mark.parametrize(
    ("allowed", "address", "admitted"),
    [
        ((), "6.6.6.6", True),
        ((), "", True),
        (("tradingview",), "34.212.75.30", True),
        (("tradingview",), "34.212.75.31", False),
        (("tradingview",), "", False),
        (("tradingview",), "::ffff:34.212.75.30", True),
        (("tradingview", "loopback"), "127.0.0.9", True),
        (("loopback",), "::1", True),
        (("any",), "2001:db8::1", True),
        (("any",), "6.6.6.6", True),
        (("2001:db8::/32",), "2001:db8:ffff::1", True),
        (("2001:db8::/32",), "2001:db9::1", False),
        (("192.0.2.0/24",), "192.0.2.255", True),
        (("192.0.2.0/24",), "192.0.3.0", False),
        (("::ffff:192.0.2.0/120",), "192.0.2.7", True),
        (("::ffff:192.0.2.0/120",), "192.0.3.7", False),
    ],
)
def test_admits_when_networks_are_named_then_only_their_addresses(
    allowed: tuple[str, ...], address: str, admitted: bool
) -> None:
    assert Peers.named(allowed, ()).admits(Caller(read_address(address))) is admitted


def test_rate_key_when_address_is_ipv6_then_its_64_bit_network() -> None:
    keys = {Caller(read_address(text)).rate_key for text in ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1")}
    assert keys == {"2001:db8::/64", "2001:db8:0:1::/64"}
    assert Caller(read_address("1.2.3.4")).rate_key == "1.2.3.4"


def test_read_networks_when_one_is_wrong_then_it_is_named() -> None:
    with pytest.raises(ValueError, match=r"'10\.0\.0\.1/8' is no address"):
        read_networks(["loopback", "10.0.0.1/8"])
