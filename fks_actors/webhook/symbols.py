"""Which market an alert means. ASCII only: a homoglyph is another symbol, and a guess is never made."""

import re
from collections.abc import Iterable

_PREFIX = re.compile(r"[A-Za-z0-9_]{1,24}:")
_PAIR = re.compile(r"([A-Za-z0-9]{1,20})[/_-]([A-Za-z0-9]{1,20})")
_JOINED = re.compile(r"[A-Za-z0-9]{2,40}")


def match_symbol(text: str, known: Iterable[str]) -> str | None:
    """The one of `known` ("BTC/USDT") that `text` spells: BTC/USDT, BTCUSDT, BTC-USDT, btc_usdt, BINANCE:BTCUSDT.

    None where there is none, or where a spelling without a separator could be two.
    """
    prefix = _PREFIX.match(text)
    bare = text[prefix.end() :] if prefix else text
    pair = _PAIR.fullmatch(bare)
    if pair:
        wanted = f"{pair[1]}/{pair[2]}".upper()
        return next((symbol for symbol in known if symbol.upper() == wanted), None)
    if not _JOINED.fullmatch(bare):
        return None
    joined = bare.upper()
    found = [symbol for symbol in known if symbol.upper().replace("/", "") == joined]
    return found[0] if len(found) == 1 else None
