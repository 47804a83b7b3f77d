"""What a desk saw beside the bars when it decided, written down with the decision, so that it can be made again."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from fks_actors.desk.routing import Quotes
from fks_actors.model.markets import Quote
from fks_actors.model.records import CycleRecord, Seen


def with_seen(cycles: Sequence[CycleRecord], quotes: Quotes, now_ms: int | None) -> tuple[CycleRecord, ...]:
    """The records with what was seen; as they are where there was nothing but the bars."""
    if now_ms is None and not quotes:
        return tuple(cycles)
    return tuple(replace(cycle, seen=_seen(cycle.symbol, quotes, now_ms)) for cycle in cycles)


def quotes_of(cycles: Sequence[CycleRecord]) -> dict[str, dict[str, Quote]]:
    """The quotes, by venue and symbol, under which these decisions of one batch were taken."""
    found: dict[str, dict[str, Quote]] = {}
    for cycle in cycles:
        for venue, quote in cycle.seen.quotes if cycle.seen else ():
            found.setdefault(venue, {})[cycle.symbol] = quote
    return found


def clock_of(cycles: Sequence[CycleRecord]) -> int | None:
    """The wall clock under which these decisions of one batch were taken; None in a replay."""
    return next((cycle.seen.now_ms for cycle in cycles if cycle.seen is not None), None)


def _seen(symbol: str, quotes: Mapping[str, Mapping[str, Quote]], now_ms: int | None) -> Seen | None:
    told = tuple((venue, known[symbol]) for venue, known in quotes.items() if symbol in known)
    return None if now_ms is None and not told else Seen(now_ms, told)
