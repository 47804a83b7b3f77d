"""Bodies and headers that somebody might send to do harm."""

import gzip
import json
import zlib
from typing import Any

from hypothesis import strategies as st

from tests.edge import SECRET

NAMES = (
    *("symbol", "side", "action", "order_type", "quantity", "sizing", "price", "stop_loss", "take_profit", "trail_pct"),
    *("confidence", "exchange", "timestamp", "id", "strategy", "secret", "display_quantity", "duration_s", "slices"),
)
GOOD: dict[str, Any] = {"symbol": "BTC/USDT", "side": "buy", "quantity": "0.5", "secret": SECRET}
BOMB = b"\0" * 5_000_000

odd_texts = st.sampled_from(
    [
        *(
            "",
            " ",
            "\0",
            "BTC\0USDT",
            "ВTC/USDT",
            "BTСUSDT",
            "ＢＴＣ/USDT",
            "BTC/USDT\u200b",
            "\u202eTDSU/CTB",
            "BTCUSDT.P",
        ),
        *("BTC/USDT:USDT", "A:B:C", "../../etc/passwd", "${jndi:ldap://x}", "{{7*7}}", "' OR 1=1 --", "%s%n", "\ud800"),
        *("NaN", "Infinity", "-0", "1e999999", "9" * 300, "0x10", "1_000", "١٢٣", "½", "1e-999", "١e٣", "+.5", "1,5"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024-02-30", "buy\r\nX: y", "oco", "twap"),
        *("a" * 9_000, "\u0301" * 500, "🏴‍☠️" * 50, "İ", "ß", "ﬀ", "\x7f", "\x1b[31m"),
    ]
)
numbers = st.sampled_from(
    [0, -0.0, -1, 1e-300, 1e300, 10**40, -(10**40), 2**63, 2**64, 0.1 + 0.2, float("nan"), float("inf"), True, None]
)
leaves = odd_texts | numbers | st.text(max_size=40) | st.integers() | st.floats() | st.none() | st.booleans()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
alerts = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=12), values, max_size=8).map(lambda d: {**GOOD, **d})
"""A good alert in which some fields were replaced by anything."""

plausible = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["BTCUSDT", "ETH-USDT", "BINANCE:BTCUSDT"]),
        "side": st.sampled_from(["buy", "SELL"]),
        "order_type": st.sampled_from(
            ["market", "limit", "stop_loss", "take_profit", "trailing_stop", "iceberg", "twap", "oco"]
        ),
        "secret": st.just(SECRET),
    },
    optional={
        name: st.sampled_from(["0.5", 1, "90", 100, "110.25", 60, 3, 2, "1e2", 0.01])
        for name in (
            *("quantity", "price", "stop_loss", "take_profit", "trail_pct", "confidence", "display_quantity"),
            *("duration_s", "slices"),
        )
    }
    | {"sizing": st.sampled_from(["fixed_pct", "risk", "volatility"]), "exchange": st.sampled_from(["paper", "PAPER"])},
)
"""Alerts whose every field is well-formed, so that only their sense together is judged."""


def encoded(alert: dict[str, Any]) -> bytes:
    """As a sender would write it, NaN, lone surrogates and all."""
    return json.dumps(alert, ensure_ascii=False).encode("utf-8", "surrogatepass")


def nested(depth: int, opening: str, closing: str) -> bytes:
    """Deep nesting of one kind."""
    return (opening * depth + "1" + closing * depth).encode()


bodies = st.one_of(
    st.binary(max_size=600),
    alerts.map(encoded),
    plausible.map(encoded),
    alerts.map(lambda alert: json.dumps(alert, allow_nan=True).encode()),
    alerts.map(encoded).flatmap(lambda raw: st.integers(0, len(raw)).map(lambda cut: raw[:cut])),
    st.sampled_from([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"symbol":', b"}]")]).flatmap(
        lambda pair: st.integers(1, 1_300).map(lambda depth: nested(depth, pair[0].decode(), pair[1].decode()))
    ),
    st.sampled_from(
        [
            *(
                b'{"symbol":"BTC/USDT","symbol":"ETH/USDT"}',
                b'{"secret":"a","secret":"b"}',
                b'{"quantity":' + b"9" * 8_000,
            ),
            *(
                b"\xef\xbb\xbf{}",
                b"\xff\xfe{\x00}\x00",
                b"{}\0",
                b"{}{}",
                b" " * 8_192,
                b" " * 8_193,
                b"null",
                b'"secret"',
            ),
            *(gzip.compress(BOMB), zlib.compress(BOMB), b'{"a":"\\ud800"}', b'{"\\u0000":1}', b"1e999999999", b"-"),
        ]
    ),
)

odd_headers = st.dictionaries(
    st.sampled_from(
        [
            *(
                "Content-Type",
                "Content-Encoding",
                "X-Signature",
                "Prefer",
                "X-Forwarded-For",
                "Authorization",
                "Accept",
            ),
            *("X-SSL-Client-Subject", "X-SSL-Client-Verify", "Cookie", "Expect", "X-" + "a" * 200, "Content-Language"),
        ]
    ),
    st.sampled_from(
        [
            *(
                "",
                "gzip",
                "br",
                "deflate, gzip",
                "identity",
                "application/json",
                "text/plain; charset=utf-16",
                "multipart/x",
            ),
            *(
                "sha256=",
                "sha256=" + "0" * 64,
                "wait=99999999",
                "wait=-1",
                "wait=1",
                "52.89.214.238",
                "127.0.0.1, bogus",
            ),
            *(
                "Bearer " + "a" * 4_000,
                "CN=TradingView Webhooks",
                "SUCCESS",
                "é",
                "\x80\xff",
                "a" * 8_000,
                ",,,,",
                "100-continue",
            ),
        ]
    ),
    max_size=4,
)
