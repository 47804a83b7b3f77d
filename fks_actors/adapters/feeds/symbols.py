"""Names of markets, as people and files write them. `BASE/QUOTE` in capitals inside."""

import difflib
import re
from collections.abc import Iterable
from pathlib import PurePath

QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDE", "USD", "EUR", "GBP", "JPY", "AUD", "BRL", "TRY", "DAI")
CRYPTO_QUOTES = ("BTC", "ETH", "BNB")
_WORD = re.compile(r"[A-Z0-9]+")


def symbol_of(name: str) -> str | None:
    """`BASE/QUOTE` of BTC/USDT, BTC-USDT, btc_usdt, BTC:USDT or BTCUSDT; None where it cannot be told."""
    words = re.split(r"[/_:-]", name.strip().upper())
    if not all(_WORD.fullmatch(w) for w in words):
        return None
    if len(words) == 1:
        return _split(words[0])
    return "/".join(words) if len(words) == 2 and words[0] != words[1] else None


def symbol_of_file(path: str) -> str | None:
    """The symbol that a data file's name begins with (BTCUSDT-1h.csv.gz, BTC_USDT-1m.csv), or None."""
    words = [w for w in re.split(r"[^A-Z0-9]+", PurePath(path).name.upper()) if w]
    if len(words) > 1 and words[1] in (*QUOTES, *CRYPTO_QUOTES) and words[0] != words[1]:
        return f"{words[0]}/{words[1]}"
    return _split(words[0]) if words else None


def close_matches(wanted: str, known: Iterable[str]) -> str:
    """`; did you mean A, B?`, or nothing where no known name is near."""
    near = difflib.get_close_matches(wanted, list(known), n=3, cutoff=0.6)
    return f"; did you mean {', '.join(near)}?" if near else ""


def _split(word: str) -> str | None:
    for quote in (*QUOTES, *CRYPTO_QUOTES):
        base = word.removesuffix(quote)
        if base and base != word:
            return f"{base}/{quote}"
    return None
