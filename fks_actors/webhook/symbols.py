"""Which market an alert means. ASCII only: a homoglyph is another symbol, and a guess is never made."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_PREFIX = re.compile(r"[A-Za-z0-9_]{1,24}:")
_PAIR = re.compile(r"([A-Za-z0-9]{1,20})[/_-]([A-Za-z0-9]{1,20})")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_-]{1,39}")


class Spellings:
    """Every way to write the markets of a list, looked up without a search.

    BTC/USDT, BTCUSDT, BTC-USDT, btc_usdt, BINANCE:BTCUSDT, and the venue's own id where one is given (XXBTZUSD).

    Args:
        symbols: the markets, as "BTC/USDT".
        ids: (a venue's own id of a market, its symbol). An id with other characters than these is passed over: a dot or
            a colon marks a future or a perpetual (BTCUSDT.P), which is no spot market.
    """

    def __init__(self, symbols: Iterable[str], ids: Iterable[tuple[str, str]] = ()) -> None:
        own = tuple(ids)
        self.symbols = frozenset(symbols).union(symbol for _, symbol in own)
        self._pairs: dict[str, set[str]] = {}
        self._bare: dict[str, set[str]] = {}
        for symbol in self.symbols:
            self._pairs.setdefault(symbol.upper(), set()).add(symbol)
            self._bare.setdefault(symbol.upper().replace("/", ""), set()).add(symbol)
        for name, symbol in own:
            if _ID.fullmatch(name):
                self._bare.setdefault(name.upper(), set()).add(symbol)

    def find(self, text: str) -> str | None:
        """The symbol that `text` spells. None where there is none, or where it could be two."""
        prefix = _PREFIX.match(text)
        bare = text[prefix.end() :] if prefix else text
        pair = _PAIR.fullmatch(bare)
        if not pair and not _ID.fullmatch(bare):
            return None
        named = self._pairs.get(f"{pair[1]}/{pair[2]}".upper(), set()) if pair else set()
        found = named | self._bare.get(bare.upper(), set())
        return next(iter(found)) if len(found) == 1 else None


def match_symbol(text: str, known: Iterable[str]) -> str | None:
    """The one of `known` ("BTC/USDT") that `text` spells, as `Spellings.find`."""
    return Spellings(known).find(text)


@dataclass(frozen=True, slots=True)
class Listing:
    """One venue. `exchange`: what it is called elsewhere (ccxt's id), empty for none.

    `ids`: its own spot markets, id -> symbol; empty where they are not known.
    """

    name: str
    exchange: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)


class Markets:
    """What alerts may name: the desk's venues and their markets.

    Args:
        traded: the symbols that the desk trades.
        venues: the desk's venues.
        names: more names for the first of them (`WebhookRules.exchanges`), which may be a venue's.
    """

    def __init__(self, traded: Sequence[str], venues: Sequence[Listing] = (), names: Sequence[str] = ()) -> None:
        self.traded = frozenset(traded)
        self._all = Spellings(traded, (pair for venue in venues for pair in venue.ids.items()))
        self._own = {venue.name: Spellings((), venue.ids.items()) for venue in venues if venue.ids}
        self._venues: dict[str, set[str]] = {}
        for venue in venues:
            self._venues.setdefault(venue.exchange.lower(), set()).add(venue.name)
        known = {venue.name for venue in venues} or set(names[:1])
        for name in names if names and names[0] in known else ():
            self._venues.setdefault(name.lower(), set()).add(names[0])
        self._venues.update((name, {name}) for name in known)
        self._venues.pop("", None)

    def venue(self, name: str) -> str | None:
        """The venue that `name` (its own or its exchange's) means; None where there is none, or more than one."""
        found = self._venues.get(name.lower(), set())
        return next(iter(found)) if len(found) == 1 else None

    def symbol(self, text: str, venue: str = "") -> str | None:
        """The market that `text` spells: at `venue`, where its markets are known, else at any."""
        return self._own.get(venue, self._all).find(text)
