"""Each mind's votes against what the market did at that mind's own horizon. Pure; nothing is learnt before it happened.

A BUY of confidence c claims P(close after h bars > close now) = 0.5 + c / 2, a SELL 0.5 - c / 2; HOLD and abstentions
claim nothing and are not scored. A claim waits h bar intervals for its outcome. Where the bar then is missing, there is
none: what lies after a hole is another horizon. A rise is a close above the other, so no move at all is none.

The regime of a claim is that of the bar it was made on (`reflection.regimes`).
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from fks_actors.errors import DataError, InvariantError
from fks_actors.model.candles import BarBatch
from fks_actors.model.votes import Action, Ballot, Vote
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.reflection.regimes import Drift
from fks_actors.reflection.scores import ONE, REGIMES, Record, Score, score, weights

_NONE = 0xFFFF
"""No claim. A claim is its regime's place in REGIMES, and 14 bits of probability."""

_SHIFT, _MASK = 14, 0x3FFF

RecordState = tuple[int, int, list[tuple[int, int, int, int]]]
"""Squares, covered, and the bins that are not empty: which, outcomes, rises, claimed."""


class _TrackState(msgspec.Struct, frozen=True, array_like=True):
    slot: int
    last_ms: int
    moves: int
    numbers: tuple[float, float, float]
    closes: bytes
    claims: dict[str, bytes]


class _State(msgspec.Struct, frozen=True, array_like=True):
    interval_ms: int
    bins: int
    regime: tuple[int, float]
    horizons: dict[str, int]
    records: dict[str, list[RecordState]]
    tracks: dict[str, _TrackState]


@dataclass(slots=True)
class _Track(Drift):
    """One symbol: its closes and the claims on it, in rings of one place a bar interval (`slot` counts them)."""

    closes: "array[float]"
    claims: "dict[str, array[int]]"
    slot: int = 0
    last_ms: int = 0

    def skip(self, missing: int) -> None:
        """Bars are missing: claims that were due there have no outcome."""
        for _ in range(min(missing, len(self.closes))):
            self.slot += 1
            self.closes[self.slot % len(self.closes)] = 0.0
            for ring in self.claims.values():
                ring[self.slot % len(ring)] = _NONE

    def covers(self, ring: "array[int]") -> int:
        """How many bars of the horizon of the claim that is due now no later claim covers."""
        horizon = len(ring)
        later = (k for k in range(1, horizon) if ring[(self.slot + k) % horizon] != _NONE)
        return next(later, horizon)


class Calibration:
    """Scores the minds as bars close.

    Args:
        config: horizons, bins and shrinkage.
    """

    def __init__(self, config: ReflectionConfig) -> None:
        self._config = config
        self._memory = max(config.horizons.values(), default=1)
        self._interval_ms = 0
        self._tracks: dict[str, _Track] = {}
        self._records: dict[str, list[Record]] = {}

    def observe(self, batch: BarBatch) -> None:
        """Take in closed bars: hold the claims that are due against them. A bar that is not newer is passed over.

        Bars of another length begin everything anew: a horizon in bars is another one then.
        """
        if batch.interval_ms != self._interval_ms:
            self._interval_ms = batch.interval_ms
            self._tracks, self._records = {}, {}
        for candle in batch.candles:
            track = self._tracks.get(candle.symbol)
            if track is None:
                track = self._tracks[candle.symbol] = self._blank()
            elif candle.ts_ms <= track.last_ms:
                continue
            missing = (candle.ts_ms - track.last_ms - 1) // batch.interval_ms if track.close else 0
            if missing:
                track.skip(missing)
            track.slot += 1
            for agent, ring in track.claims.items():
                self._settle(agent, ring, track, candle.close)
            track.closes[track.slot % self._memory] = candle.close
            track.last_ms = candle.ts_ms
            track.move(candle.close, self._config.regime_bars, not missing)

    def claim(self, ballots: Iterable[Ballot]) -> None:
        """Take note of what was said of the bars observed last; ballots on others, or of minds without a horizon, are
        passed over.

        Raises:
            InvariantError: a confidence is outside 0..1.
        """
        for ballot in ballots:
            track = self._tracks.get(ballot.symbol)
            if track is None or track.last_ms != ballot.ts_ms or not isinstance(ballot, Vote):
                continue
            ring = track.claims.get(ballot.agent)
            if ring is None or ballot.action is Action.HOLD:
                continue
            if not 0.0 <= ballot.confidence <= 1.0:
                raise InvariantError(f"{ballot.agent} has a confidence of {ballot.confidence}, outside 0..1")
            lean = round(ballot.confidence * ONE / 2)
            claimed = ONE // 2 + (lean if ballot.action is Action.BUY else -lean)
            regime = track.regime(self._config.regime_bars, self._config.regime_sigmas)
            ring[track.slot % len(ring)] = REGIMES.index(regime) << _SHIFT | claimed

    def scores(self) -> tuple[Score, ...]:
        """One score over all regimes for each mind that has an outcome, by name."""
        held = (score(a, self._config.horizons[a], None, r) for a, r in sorted(self._records.items()))
        return tuple(each for each in held if each)

    def scores_by_regime(self) -> tuple[Score, ...]:
        """One score for each mind and regime that has an outcome."""
        held = (
            score(agent, self._config.horizons[agent], regime, (record,))
            for agent, records in sorted(self._records.items())
            for regime, record in zip(REGIMES, records, strict=True)
        )
        return tuple(each for each in held if each)

    def weights(self) -> dict[str, float]:
        """What each mind's vote weighs (`scores.weights`), for each that has an outcome."""
        return weights(self.scores(), self._config)

    def _settle(self, agent: str, ring: "array[int]", track: _Track, close: float) -> None:
        horizon = len(ring)
        due = ring[track.slot % horizon]
        ring[track.slot % horizon] = _NONE
        then = track.closes[(track.slot - horizon) % self._memory]
        if due == _NONE or not then:
            return
        if agent not in self._records:
            self._records[agent] = self._blank_records()
        self._records[agent][due >> _SHIFT].add(due & _MASK, close > then, track.covers(ring))

    def _blank(self) -> _Track:
        claims = {agent: array("H", [_NONE]) * horizon for agent, horizon in self._config.horizons.items()}
        return _Track(array("d", [0.0]) * self._memory, claims)

    def _blank_records(self) -> list[Record]:
        return [Record([[0, 0, 0] for _ in range(self._config.bins)]) for _ in REGIMES]

    # --- what is kept ---

    def encode(self) -> bytes:
        """What later scores depend on: msgpack, under 8 KiB for two symbols and six minds with the usual horizons."""
        config = self._config
        return msgspec.msgpack.encode(
            _State(
                self._interval_ms,
                config.bins,
                (config.regime_bars, config.regime_sigmas),
                dict(config.horizons),
                {agent: [_recorded(record) for record in records] for agent, records in self._records.items()},
                {symbol: _tracked(track) for symbol, track in self._tracks.items()},
            )
        )

    def restore(self, payload: bytes) -> None:
        """Continue bit for bit from `encode()` of one with the same config; an empty payload begins anew.

        With other horizons, the scores of those minds begin anew and all waiting claims are dropped; with other bins or
        another regime everything begins anew.

        Raises:
            DataError: the payload is none, or its parts do not fit together.
        """
        self._interval_ms, self._tracks, self._records = 0, {}, {}
        if not payload:
            return
        config = self._config
        try:
            held = msgspec.msgpack.decode(payload, type=_State)
            if (held.bins, held.regime) != (config.bins, (config.regime_bars, config.regime_sigmas)):
                return
            same = {agent for agent, horizon in held.horizons.items() if config.horizons.get(agent) == horizon}
            records = {a: [self._record(r) for r in held.records[a]] for a in held.records if a in same}
            if any(len(each) != len(REGIMES) for each in records.values()):
                raise ValueError("records of another number of regimes")
            tracks = {}
            if held.horizons == dict(config.horizons):
                tracks = {symbol: self._track(kept) for symbol, kept in held.tracks.items()}
        except (msgspec.MsgspecError, ValueError, IndexError) as error:
            raise DataError(f"the snapshot of the calibration cannot be read: {error}") from error
        self._interval_ms, self._tracks, self._records = held.interval_ms, tracks, records

    def _record(self, kept: RecordState) -> Record:
        squares, covered, cells = kept
        record = Record([[0, 0, 0] for _ in range(self._config.bins)], squares, covered)
        for at, *cell in cells:
            record.bins[at] = cell
        return record

    def _track(self, kept: _TrackState) -> _Track:
        track = self._blank()
        closes, claims = array("d", kept.closes), {agent: array("H", ring) for agent, ring in kept.claims.items()}
        fits = {agent: len(ring) for agent, ring in claims.items()}
        if len(closes) != len(track.closes) or fits != {agent: len(ring) for agent, ring in track.claims.items()}:
            raise ValueError("rings of another length")
        track.closes, track.claims = closes, {agent: claims[agent] for agent in track.claims}
        track.slot, track.last_ms, track.moves = kept.slot, kept.last_ms, kept.moves
        track.close, track.drift, track.square = kept.numbers
        return track


def _recorded(record: Record) -> RecordState:
    cells = [(at, *cell) for at, cell in enumerate(record.bins) if cell[0]]
    return record.squares, record.covered, cells  # type: ignore[return-value]


def _tracked(track: _Track) -> _TrackState:
    numbers = (track.close, track.drift, track.square)
    claims = {agent: ring.tobytes() for agent, ring in track.claims.items()}
    return _TrackState(track.slot, track.last_ms, track.moves, numbers, track.closes.tobytes(), claims)
