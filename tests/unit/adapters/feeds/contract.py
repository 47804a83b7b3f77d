"""What every feed keeps, whatever it is. Run over each implementation."""

from fks_actors.adapters.feeds.port import BEGINNING, Feed
from fks_actors.model.candles import BarBatch


async def keeps_the_contract(feed: Feed, wait_s: float = 2.0) -> list[BarBatch]:
    """Read a feed that has at least five batches at hand, and check the port's promises; the batches are returned."""
    info = feed.describe()
    assert feed.describe() == info
    assert info.label
    assert info.reason
    history = await feed.history()
    assert await feed.history() == history
    _are_bars(history, info.interval_ms, info.symbols)

    first = await feed.next(BEGINNING, 5, wait_s)
    assert len(first) == 5
    _are_bars(first, info.interval_ms, info.symbols)
    assert not history or history[-1].ts_ms < first[0].ts_ms
    assert await feed.next({}, 5, wait_s) == first
    assert await feed.next({"NOT/THERE": first[4].ts_ms}, 5, wait_s) == first

    rest = await feed.next(first[1].ts_ms, 3, wait_s)
    assert rest == first[2:]
    late = {info.symbols[0]: first[1].ts_ms, info.symbols[-1]: first[0].ts_ms}
    assert await feed.next(late, 3, wait_s) == first[2:]
    assert not feed.exhausted(first[0].ts_ms)
    assert not feed.exhausted(BEGINNING)
    return first


def _are_bars(batches: list[BarBatch], interval_ms: int, symbols: tuple[str, ...]) -> None:
    times = [b.ts_ms for b in batches]
    assert times == sorted(set(times))
    for batch in batches:
        assert batch.interval_ms == interval_ms
        assert batch.candles
        assert {c.ts_ms for c in batch.candles} == {batch.ts_ms}
        names = [c.symbol for c in batch.candles]
        assert len(set(names)) == len(names)
        assert set(names) <= set(symbols)
        for c in batch.candles:
            assert 0 < c.low <= min(c.open, c.close) <= max(c.open, c.close) <= c.high
            assert c.volume >= 0
            assert all(type(v) is float for v in (c.open, c.high, c.low, c.close, c.volume))
            assert type(c.ts_ms) is int
