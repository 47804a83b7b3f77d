"""What the desk thinks of its data: each bar judged by the gate, against the clock and against the venues' quotes.

Time is the batch's own unless the caller knows better (a live desk: the wall clock), so that a replay judges as it
did. What comes of it, risk is told as `Doubt`s: it is risk that refuses.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from fks_actors.desk.routing import Quotes
from fks_actors.market.config import QualityConfig
from fks_actors.market.health import FEED, Health, Report, Source
from fks_actors.market.plausibility import Plausibility, Suspicion
from fks_actors.market.quality import Flag, QualityGate
from fks_actors.market.witnesses import deviations
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.orders import Refusal
from fks_actors.model.records import AuditRecord
from fks_actors.risk.limits import DATA_QUALITY, IMPLAUSIBLE
from fks_actors.risk.messages import Doubt

_NONE: Quotes = {}

Flagged = Mapping[str, Sequence[tuple[int, Collection[Flag]]]]
"""By symbol, which of a row of bars bear flags: their places in it, and the flags."""

GateOf = Callable[[str, QualityConfig, int], QualityGate]
"""Makes the gate of a symbol: (symbol, limits, a bar's length in ms)."""


def fresh_gate(_: str, config: QualityConfig, interval_ms: int) -> QualityGate:
    """A gate that has seen nothing."""
    return QualityGate(config, interval_ms)


_DETAIL = 200


@dataclass
class DataQuality:
    """A gate and a plausibility check a symbol, the health of all sources, and whether trading was `paused` when it was
    noted last. Bounded: one of each a symbol, one source a venue and symbol."""

    config: QualityConfig
    gate_of: GateOf = fresh_gate
    interval_ms: int = 0
    gates: dict[str, QualityGate] = field(default_factory=dict)
    checks: dict[str, Plausibility] = field(default_factory=dict)
    paused: bool = False
    health: Health = field(init=False)

    def __post_init__(self) -> None:
        self.health = Health(self.config)

    def note(self, batch: BarBatch, quotes: Quotes = _NONE, now_ms: int | None = None) -> dict[str, tuple[str, ...]]:
        """Judge the batch's bars; their flags by symbol. Without `now_ms` nothing is stale. A close is compared with
        what was quoted when the bar closed, not with what is quoted by the time that it is worked through."""
        if batch.interval_ms != self.interval_ms:
            self.keep(())
            self.interval_ms = batch.interval_ms
        return {
            candle.symbol: self._judge(candle, self._seen(candle.symbol, quotes, batch.close_ms), now_ms)
            for candle in batch.candles
        }

    def believed(self, batch: BarBatch, quotes: Quotes = _NONE) -> BarBatch:
        """The batch as far as it is plausible: what a venue may match by that has no other prices than the feed's."""
        if batch.interval_ms != self.interval_ms:
            return batch
        kept = tuple(c for c in batch.candles if not self._suspects(c, self._seen(c.symbol, quotes, batch.close_ms)))
        return batch if len(kept) == len(batch.candles) else replace(batch, candles=kept)

    @property
    def calm(self) -> bool:
        """Whether nothing speaks against any source's data, and trading is not paused for it."""
        return not self.paused and self.health.calm and not any(c.suspicion for c in self.checks.values())

    def rest(self, candle: Candle, bars: int, flagged: Sequence[tuple[int, Collection[Flag]]] = ()) -> None:
        """Take in that many bars of a calm symbol, of which `candle` is the last and none is missing or implausible.

        `flagged`: those that bear flags, none of which can make a source fail, by their places among the bars.
        """
        symbol, done = candle.symbol, 0
        self.checks[symbol].rest(candle.close)
        self.gates[symbol].skip(bars)
        for place, flags in flagged:
            self.health.rest(symbol, place - done)
            self.health.mark(FEED, symbol, flags)
            done = place + 1
        self.health.rest(symbol, bars - done)

    def keep(self, symbols: Collection[str]) -> None:
        """Forget every other symbol: what is traded no more, or has bars of another length, is not missed."""
        for symbol in [each for each in self.gates if each not in symbols]:
            del self.gates[symbol], self.checks[symbol]
            self.health.forget(symbol)

    def suspicion(self, symbol: str) -> Suspicion | None:
        """The suspicion against the symbol's last close, if there is one."""
        check = self.checks.get(symbol)
        return check.suspicion if check else None

    def report(self, now_ms: int) -> Report:
        """How the sources stand."""
        late = {symbol: gate.gone(now_ms) for symbol, gate in self.gates.items() if gate.overdue(now_ms)}
        return self.health.report(late)

    def turned(self, ts_ms: int) -> tuple[AuditRecord, ...]:
        """A note where trading pauses from now on, or no longer; it is told once."""
        report = self.report(ts_ms)
        if report.paused == self.paused:
            return ()
        self.paused = report.paused
        kind = "data_paused" if report.paused else "data_resumed"
        return (AuditRecord(ts_ms, kind, "desk", report.reason[:_DETAIL]),)

    def doubts(self, symbols: Sequence[str], now_ms: int, quotes: Quotes = _NONE) -> tuple[Doubt, ...]:
        """What speaks against orders for these symbols now."""
        wanted, report = dict.fromkeys(symbols), self.report(now_ms)
        if report.paused:
            reason = f"trading pauses: {report.reason}"
            found = [Doubt(Refusal(DATA_QUALITY, reason, f"{report.share:.4g}", f"{report.limit:.4g}"))]
        else:
            found = [_of_source(report, source) for symbol in wanted if (source := report.of(symbol)) and source.fails]
        for symbol in wanted:
            suspicion = self.suspicion(symbol)
            seen = self._seen(symbol, quotes, now_ms).values()
            if suspicion is not None and not any(map(suspicion.borne_out_by, seen)):
                found.append(_of_price(symbol, suspicion))
        return tuple(found)

    def _suspects(self, candle: Candle, seen: Mapping[str, float]) -> bool:
        check, gate = self.checks.get(candle.symbol), self.gates.get(candle.symbol)
        if check is None or gate is None or gate.last_ms is None:
            return False
        span_ms = -(-(candle.ts_ms - gate.last_ms) // self.interval_ms) * self.interval_ms
        return check.suspected(candle.close, span_ms, seen.values()) is not None

    def _judge(self, candle: Candle, seen: Mapping[str, float], now_ms: int | None) -> tuple[str, ...]:
        symbol = candle.symbol
        gate = self.gates.get(symbol)
        if gate is None:
            gate = self.gates[symbol] = self.gate_of(symbol, self.config, self.interval_ms)
            self.checks[symbol] = Plausibility(self.config)
        quality = gate.judge(candle, now_ms)
        span_ms = (quality.missing + 1) * self.interval_ms
        flags = list(quality.flags)
        apart = deviations({FEED: candle.close, **seen}) if seen else {}
        limit = self.config.deviation_pct / 100.0
        if apart.get(FEED, 0.0) > limit:
            flags.append(Flag.DEVIATION)
        if self.checks[symbol].take(candle.close, span_ms, seen.values()):
            flags.append(Flag.IMPLAUSIBLE)
        self.health.mark(FEED, symbol, flags, quality.missing, apart.get(FEED, 0.0))
        for venue in seen:
            wrong = (Flag.DEVIATION,) if apart[venue] > limit else ()
            self.health.mark(venue, symbol, wrong, 0, apart[venue])
        self.health.heard(symbol, (FEED, *seen))
        return tuple(flags)

    def _seen(self, symbol: str, quotes: Quotes, at_ms: int) -> dict[str, float]:
        """The venues' mid prices that are of this moment."""
        found: dict[str, float] = {}
        for venue, told in quotes.items():
            quote = told.get(symbol)
            if quote is None or abs(at_ms - quote.ts_ms) > self.config.source_age_ms:
                continue
            middle = float(quote.bid + quote.ask) / 2.0
            if middle > 0.0:
                found[venue] = middle
        return found

    def state(self) -> dict[str, Any]:
        """What the next judgements depend on beside the gates, JSON-able."""
        return {
            "checks": {symbol: check.state() for symbol, check in self.checks.items()},
            "sources": self.health.state(),
            "paused": self.paused,
        }

    def restore(self, interval_ms: int, gates: Mapping[str, Mapping[str, Any]], state: Mapping[str, Any]) -> None:
        """Continue bit for bit from the gates' and this one's `state()`; empty where it was written without one."""
        self.interval_ms = interval_ms
        checks: Mapping[str, Any] = state.get("checks", {})
        for symbol, held in gates.items():
            self.gates[symbol] = self.gate_of(symbol, self.config, interval_ms)
            self.gates[symbol].restore(dict(held))
            self.checks[symbol] = Plausibility(self.config)
            if symbol in checks:
                self.checks[symbol].restore(checks[symbol])
        self.health.restore(state.get("sources", ()))
        self.paused = bool(state.get("paused", False))


def _of_source(report: Report, source: Source) -> Doubt:
    message = f"the symbol's data fail: {report.told(source)}"
    return Doubt(Refusal(DATA_QUALITY, message, f"{source.score:.4g}", f"{report.least:.4g}"), source.symbol)


def _of_price(symbol: str, held: Suspicion) -> Doubt:
    message = f"{symbol} moved from {held.before:g} to {held.close:g}, which no other source shows"
    refusal = Refusal(IMPLAUSIBLE, message, f"{held.move:+.2%}", f"{held.limit:+.2%}")
    return Doubt(refusal, symbol, both_sides=True)
