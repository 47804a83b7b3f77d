"""What is scored is what was claimed and what came of it at that mind's own horizon: a recount finds the same."""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fks_actors.errors import DataError, InvariantError
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Vote
from fks_actors.reflection.calibration import Calibration
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.reflection.scores import REGIMES, Regime, Score

MINUTE = 60_000
SYMBOLS = ("BTC/USDT", "ETH/USDT")
MINDS = {"quick": 1, "short": 4, "mid": 9, "long": 30}
CONFIG = ReflectionConfig(horizons=MINDS, min_outcomes=5, regime_bars=10)
Cycle = tuple[BarBatch, tuple[Ballot, ...]]


def history(seed: int, bars: int, holes: float = 0.0, minds: Sequence[str] = tuple(MINDS)) -> list[Cycle]:
    """Bars of two symbols, some missing, and what each mind says of them: anything."""
    luck = random.Random(seed)
    prices = dict.fromkeys(SYMBOLS, 100.0)
    made: list[Cycle] = []
    at = 0
    for _ in range(bars):
        if luck.random() < holes:
            at += luck.choice((1, 2, 40))
        candles, ballots = [], []
        for symbol in SYMBOLS:
            if luck.random() < 0.9:
                prices[symbol] *= 1.0 + luck.gauss(0.001, 0.01)
            if luck.random() < holes:
                continue
            price = prices[symbol]
            candles.append(Candle(symbol, at * MINUTE, price, price, price, price, 1.0))
            for mind in (*minds, "stranger"):
                kind = luck.choice([*Action, None])
                ballots.append(
                    Vote(mind, symbol, at * MINUTE, kind, luck.choice((0.0, 0.3333, 0.61, 1.0, luck.random())), "")
                    if kind
                    else Abstain(mind, symbol, at * MINUTE, AbstainReason.LATE)
                )
        if candles:
            made.append((BarBatch(at * MINUTE, MINUTE, tuple(candles)), tuple(ballots)))
        at += 1
    return made


def told(cycles: Sequence[Cycle], config: ReflectionConfig = CONFIG) -> Calibration:
    calibration = Calibration(config)
    for batch, ballots in cycles:
        calibration.observe(batch)
        calibration.claim(ballots)
    return calibration


def regimes(cycles: Sequence[Cycle], symbol: str) -> dict[int, Regime]:
    """By bar time, as weighted sums over the moves from one bar to the very next."""
    share, moves, found, last = 2.0 / (CONFIG.regime_bars + 1.0), [], {}, None
    for batch, _ in cycles:
        for candle in batch.candles:
            if candle.symbol != symbol:
                continue
            if last and candle.ts_ms - last.ts_ms == MINUTE:
                moves.append(math.log(candle.close / last.close))
            last = candle
            weighed = [share * (1.0 - share) ** age for age in range(len(moves))]
            drift = sum(w * move for w, move in zip(weighed, reversed(moves), strict=True))
            square = sum(w * move * move for w, move in zip(weighed, reversed(moves), strict=True))
            sure = len(moves) >= CONFIG.regime_bars and square
            z = drift / math.sqrt(square / CONFIG.regime_bars) if sure else 0.0
            found[candle.ts_ms] = Regime.BULL if z > 1.0 else Regime.BEAR if z < -1.0 else Regime.SIDEWAYS
    return found


Outcome = tuple[str, int, float, bool]
"""Mind, bar, probability of a rise, whether it rose."""


def outcomes(cycles: Sequence[Cycle]) -> dict[str, list[Outcome]]:
    """By symbol, straight from the definition: every claim whose horizon's bar is there."""
    found: dict[str, list[Outcome]] = {}
    for symbol in SYMBOLS:
        closes = {batch.ts_ms: c.close for batch, _ in cycles for c in batch.candles if c.symbol == symbol}
        for _, ballots in cycles:
            for said in ballots:
                if said.symbol != symbol or not isinstance(said, Vote) or said.action is Action.HOLD:
                    continue
                due = said.ts_ms + MINDS.get(said.agent, 0) * MINUTE
                if said.agent in MINDS and due in closes:
                    p = 0.5 + said.confidence / 2 * (1 if said.action is Action.BUY else -1)
                    rose = closes[due] > closes[said.ts_ms]
                    found.setdefault(symbol, []).append((said.agent, said.ts_ms // MINUTE, p, rose))
    return found


def recounted(cycles: Sequence[Cycle], agent: str, bins: int) -> tuple[int, float, float] | None:
    """Outcomes, Brier score and calibration error by the textbook."""
    pairs = [(p, rose) for each in outcomes(cycles).values() for mind, _, p, rose in each if mind == agent]
    if not pairs:
        return None
    brier = sum((p - rose) ** 2 for p, rose in pairs) / len(pairs)
    cells: dict[int, list[tuple[float, bool]]] = {}
    for p, rose in pairs:
        cells.setdefault(min(int(round(p, 4) * bins + 1e-9), bins - 1), []).append((p, rose))
    error = 0.0
    for cell in cells.values():
        claimed, rises = sum(p for p, _ in cell) / len(cell), sum(rose for _, rose in cell) / len(cell)
        error += len(cell) / len(pairs) * abs(rises - claimed)
    return len(pairs), brier, error


@given(seed=st.integers(0, 2**32), bars=st.integers(1, 120), holes=st.sampled_from([0.0, 0.05, 0.3]))
@settings(max_examples=120, deadline=None)
def test_score_when_bars_and_votes_are_anything_then_a_recount_finds_the_same(
    seed: int, bars: int, holes: float
) -> None:
    cycles = history(seed, bars, holes)
    calibration = told(cycles)
    scores = {each.agent: each for each in calibration.scores()}
    for agent, horizon in MINDS.items():
        expected = recounted(cycles, agent, CONFIG.bins)
        if expected is None:
            assert agent not in scores
            continue
        each = scores[agent]
        assert (each.horizon, each.outcomes) == (horizon, expected[0])
        assert each.brier == pytest.approx(expected[1], abs=1e-4)
        assert each.error == pytest.approx(expected[2], abs=1e-4)
        assert 0.0 <= each.brier <= 1.0
        assert 0.0 <= each.error <= 1.0
        assert each.outcomes / horizon <= each.independent <= each.outcomes
        when = {symbol: regimes(cycles, symbol) for symbol in SYMBOLS}
        felt = Counter(
            when[symbol][at * MINUTE]
            for symbol, found in outcomes(cycles).items()
            for mind, at, *_ in found
            if mind == agent
        )
        parts = [part for part in calibration.scores_by_regime() if part.agent == agent]
        assert {part.regime: part.outcomes for part in parts} == felt
        assert sum(part.brier * part.outcomes for part in parts) == pytest.approx(each.brier * each.outcomes)
        assert sum(part.independent for part in parts) == pytest.approx(each.independent)
    assert "stranger" not in scores


@given(seed=st.integers(0, 2**32), bars=st.integers(1, 60), holes=st.sampled_from([0.0, 0.2]))
@settings(max_examples=40, deadline=None)
def test_score_when_asked_after_each_bar_then_it_knows_what_happened_until_then_and_no_more(
    seed: int, bars: int, holes: float
) -> None:
    cycles, calibration = history(seed, bars, holes), Calibration(CONFIG)
    for at, (batch, ballots) in enumerate(cycles, 1):
        calibration.observe(batch)
        calibration.claim(ballots)
        known = {agent: recounted(cycles[:at], agent, CONFIG.bins) for agent in MINDS}
        found = {each.agent: (each.outcomes, pytest.approx(each.brier, abs=1e-4)) for each in calibration.scores()}
        assert found == {agent: each[:2] for agent, each in known.items() if each}


@given(
    seed=st.integers(0, 2**32),
    bars=st.integers(1, 120),
    cut=st.integers(0, 120),
    holes=st.sampled_from([0.0, 0.2]),
)
@settings(max_examples=80, deadline=None)
def test_restore_when_cut_anywhere_then_it_goes_on_to_the_last_bit(
    seed: int, bars: int, cut: int, holes: float
) -> None:
    cycles = history(seed, bars, holes)
    straight, resumed = told(cycles), told(history(seed + 1, 30))
    resumed.restore(told(cycles[:cut]).encode())
    for batch, ballots in cycles[cut:]:
        resumed.observe(batch)
        resumed.claim(ballots)
    assert resumed.encode() == straight.encode()
    assert resumed.scores() == straight.scores()
    assert resumed.scores_by_regime() == straight.scores_by_regime()
    assert resumed.weights() == straight.weights()


@given(seed=st.integers(0, 2**32), bars=st.integers(1, 80))
@settings(max_examples=40, deadline=None)
def test_score_when_minds_or_symbols_come_in_another_order_then_the_same(seed: int, bars: int) -> None:
    cycles = history(seed, bars, 0.1)
    turned = [
        (BarBatch(b.ts_ms, b.interval_ms, b.candles[::-1]), tuple(random.Random(seed).sample(said, len(said))))
        for b, said in cycles
    ]
    named = ReflectionConfig.model_validate({**CONFIG.model_dump(), "horizons": dict(reversed(MINDS.items()))})
    one, two = told(cycles), told(turned, named)
    assert one.scores() == two.scores()
    assert one.scores_by_regime() == two.scores_by_regime()
    assert one.weights() == two.weights()


def steps(changes: Sequence[float], say: Callable[[int], Sequence[Ballot]]) -> list[Cycle]:
    """Bars of BTC that change so, and what is said of each."""
    price, made = 100.0, []
    for at, change in enumerate(changes):
        price *= 1.0 + change
        candle = Candle(SYMBOLS[0], at * MINUTE, price, price, price, price, 1.0)
        made.append((BarBatch(at * MINUTE, MINUTE, (candle,)), tuple(say(at))))
    return made


def says(agent: str, at: int, confidence: float, action: Action = Action.BUY) -> Vote:
    return Vote(agent, SYMBOLS[0], at * MINUTE, action, confidence, "")


def only(calibration: Calibration) -> Score:
    (found,) = calibration.scores()
    return found


def test_claim_when_a_vote_is_sure_then_its_probability_is_half_and_half_its_confidence() -> None:
    for action, confidence, change, brier in (
        (Action.BUY, 0.6, 0.01, 0.04),
        (Action.BUY, 0.6, -0.01, 0.64),
        (Action.SELL, 0.6, -0.01, 0.04),
        (Action.SELL, 1.0, 0.01, 1.0),
        (Action.BUY, 0.0, 0.01, 0.25),
        (Action.BUY, 1.0, 0.0, 1.0),  # no move at all is no rise
        (Action.SELL, 1.0, 0.0, 0.0),
    ):
        said = steps([0.0, change], lambda at, a=action, c=confidence: [says("quick", 0, c, a)] if at == 0 else [])
        found = only(told(said))
        assert (found.outcomes, found.independent) == (1, 1.0)
        assert found.brier == pytest.approx(brier)
        assert found.error == pytest.approx(abs((change > 0) - (0.5 + confidence / 2 * (-1) ** (action == "sell"))))
        assert found.skill == pytest.approx(1 - 4 * brier)


def test_observe_when_the_horizon_is_not_over_then_nothing_is_known() -> None:
    said = steps([0.01] * 10, lambda at: [says("mid", 0, 0.5)] if at == 0 else [])
    assert told(said[:9]).scores() == ()
    assert told(said[:9]).weights() == {}
    assert only(told(said)).outcomes == 1


def test_observe_when_horizons_overlap_then_they_are_worth_fewer_independent_outcomes() -> None:
    each_bar = steps([0.01] * 41, lambda at: [says("short", at, 0.5)])
    assert (only(told(each_bar)).outcomes, only(told(each_bar)).independent) == (37, 37 / 4)
    rarely = steps([0.01] * 41, lambda at: [says("short", at, 0.5)] if at % 8 == 0 else [])
    assert (only(told(rarely)).outcomes, only(told(rarely)).independent) == (5, 5.0)


def test_observe_when_the_bar_at_the_horizon_is_missing_then_the_claim_has_no_outcome() -> None:
    said = steps([0.01] * 12, lambda at: [says("short", at, 0.5)] if at < 3 else [])
    assert only(told(said)).outcomes == 3
    assert only(told([*said[:5], *said[6:]])).outcomes == 2  # without bar 5 the claim of bar 1 is lost
    assert told([*said[:3], *said[9:]]).scores() == ()


def test_observe_when_a_bar_comes_twice_then_it_counts_once() -> None:
    said = steps([0.01] * 12, lambda at: [says("short", at, 0.5)])
    assert told([each for each in said for _ in range(2)]).encode() == told(said).encode()


def test_observe_when_bars_are_of_another_length_then_everything_begins_anew() -> None:
    calibration = told(steps([0.01] * 12, lambda at: [says("quick", at, 0.5)]))
    assert calibration.scores()
    hourly = Candle(SYMBOLS[0], 3_600_000, 1.0, 1.0, 1.0, 1.0, 1.0)
    calibration.observe(BarBatch(3_600_000, 3_600_000, (hourly,)))
    assert calibration.scores() == ()


def test_claim_when_it_is_not_of_the_last_bar_or_no_share_then_it_is_passed_over_or_refused() -> None:
    calibration = Calibration(CONFIG)
    calibration.claim([says("quick", 0, 0.5)])
    cycles = steps([0.01] * 3, lambda at: [says("quick", at + 1, 0.5)])
    for batch, ballots in cycles:
        calibration.observe(batch)
        calibration.claim(ballots)
    assert calibration.scores() == ()
    with pytest.raises(InvariantError, match="outside"):
        calibration.claim([says("quick", 2, 1.5)])


def test_regime_when_the_market_drifts_then_claims_are_told_apart_by_what_it_did_before() -> None:
    luck = random.Random(4)
    noise = [luck.gauss(0, 0.001) for _ in range(60)]
    changes = [*noise[:20], *(0.003 + n for n in noise[:20]), *(-0.004 + n for n in noise[20:40]), 0.05]
    calibration = told(steps(changes, lambda at: [says("quick", at, 0.5)]))
    found = {each.regime: each.outcomes for each in calibration.scores_by_regime()}
    assert set(found) == set(REGIMES)
    # the last bar's jump is what came of a claim in a bear market; that claim did not know it
    before = told(steps(changes[:-1], lambda at: [says("quick", at, 0.5)]))
    assert found[Regime.BEAR] == {e.regime: e.outcomes for e in before.scores_by_regime()}[Regime.BEAR] + 1
    still = told(steps([0.0] * 40, lambda at: [says("quick", at, 0.5)]))
    assert [each.regime for each in still.scores_by_regime()] == [Regime.SIDEWAYS]


def test_encode_when_two_symbols_and_six_minds_are_at_their_fullest_then_under_8_kib_for_ever() -> None:
    config = ReflectionConfig()
    calibration, sizes = Calibration(config), []
    for at, (batch, ballots) in enumerate(history(3, 12_000, minds=tuple(config.horizons))):
        calibration.observe(batch)
        calibration.claim(ballots)
        if at in (4_000, 11_999):
            sizes.append(len(calibration.encode()))
    assert all(len(record) == len(REGIMES) for record in msgspec.msgpack.decode(calibration.encode())[4].values())
    assert {each.regime for each in calibration.scores_by_regime()} == set(REGIMES)
    assert 4_000 < sizes[0] <= sizes[1] <= 8 * 1_024
    assert sizes[1] - sizes[0] < 400


def test_restore_when_the_config_changed_then_what_still_fits_is_kept() -> None:
    cycles = history(1, 80)
    kept = told(cycles).encode()

    def resumed(**changes: object) -> Calibration:
        calibration = Calibration(ReflectionConfig.model_validate({**CONFIG.model_dump(), **changes}))
        calibration.restore(kept)
        return calibration

    before = {each.agent: each for each in told(cycles).scores()}
    after = {each.agent: each for each in resumed(horizons={**MINDS, "short": 5}).scores()}
    assert after == {agent: each for agent, each in before.items() if agent != "short"}
    for changes in ({"bins": 5}, {"regime_bars": 20}, {"regime_sigmas": 2.0}):
        assert resumed(**changes).scores() == ()
    weighed = resumed(gain=2.0, min_outcomes=1)
    assert weighed.encode() == kept
    assert weighed.weights() != told(cycles).weights()


def test_restore_when_the_payload_is_none_then_a_data_error() -> None:
    calibration, kept = Calibration(CONFIG), told(history(1, 60)).encode()
    shapes = msgspec.msgpack.decode(kept)
    short_ring, few_regimes = msgspec.msgpack.decode(kept), msgspec.msgpack.decode(kept)
    short_ring[5][SYMBOLS[0]][4] = b"\0" * 8
    few_regimes[4]["quick"].pop()
    far_bin = shapes
    far_bin[4]["quick"][0][2] = [[99, 1, 1, 1]]
    for wrong in (b"x", b"\xc0", kept[:-3], *map(msgspec.msgpack.encode, (short_ring, few_regimes, far_bin))):
        with pytest.raises(DataError, match="cannot be read"):
            calibration.restore(wrong)
    calibration.restore(b"")
    assert calibration.scores() == ()


@pytest.mark.parametrize(
    "bad",
    [
        {"horizons": {"mid": 0}},
        {"horizons": {"mid": 1_001}},
        {"horizons": {"": 4}},
        {"bins": 1},
        {"min_outcomes": 0},
        {"prior_outcomes": 0.0},
        {"gain": -1.0},
        {"least_weight": 0.0},
        {"least_weight": 1.1},
        {"most_weight": 0.9},
        {"regime_bars": 1},
        {"regime_sigmas": float("nan")},
        {"halflife": 3},
    ],
)
def test_read_config_when_out_of_range_or_unknown_then_it_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReflectionConfig.model_validate(bad)
