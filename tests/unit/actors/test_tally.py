"""The counters tell what the journal holds: each committed entry once, nothing else."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.actors.tally import Tally
from fks_actors.agents import turns
from fks_actors.model.debates import CallOutcome, Debate, Role
from fks_actors.model.orders import Fill, Order, OrderStatus, Refusal
from fks_actors.model.records import Commit, CycleOutcome, CycleRecord, Entry, SignalStatus, TradingState
from fks_actors.reflection.scores import Score
from fks_actors.telemetry import Telemetry
from tests.debaters import TURNS
from tests.in_process import Breaker, InProcessDesk, run_record
from tests.journal_scene import SYMBOLS, batch, control, cycle, equity, fill, order, run, signal_record, step
from tests.market import batches


def counted(entries: Iterable[Entry]) -> dict[str, float]:
    """`name{labels}` to value after one commit of the entries."""
    telemetry = Telemetry("test")
    Tally(telemetry).commit(Commit("c", "", tuple(entries)))
    return figures(telemetry)


def figures(telemetry: Telemetry) -> dict[str, float]:
    return {
        name + "".join(f" {value}" for _, value in sorted(labels)): value
        for _, name, labels, value in telemetry.snapshot()
        if "_bucket" not in name
    }


def total(found: dict[str, float], name: str) -> float:
    return sum(value for key, value in found.items() if key.split(" ")[0] == name)


def test_commit_when_a_bar_was_worked_through_then_every_entry_is_counted_once() -> None:
    found = counted(step(0).entries)
    assert found["fks_candles_total BTC/USDT"] == found["fks_candles_total ETH/USDT"] == 1
    assert found["fks_decisions_total buy hold"] == 2
    assert total(found, "fks_votes_total") == 4
    assert found["fks_abstentions_total long_term warming_up"] == 2
    assert total(found, "fks_candle_gaps_total") == 2
    assert found["fks_consensus_strength_count"] == 2
    assert found["fks_equity_quote"] == 10_000


def test_commit_when_orders_move_then_each_end_counts_and_no_step_before_it() -> None:
    life = [order("a", s) for s in (OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)]
    assert total(counted(life), "fks_orders_total") == 0
    ends = [order(s, s) for s in (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.DENIED)]
    found = counted([*life, *ends, fill("t", "a"), order("u", OrderStatus.UNKNOWN)])
    assert total(found, "fks_orders_total") == 4
    assert found["fks_orders_total buy filled limit paper"] == 1
    assert found["fks_orders_unknown_total paper"] == 1
    assert found["fks_order_notional_quote_total buy paper"] == float(Decimal("100.10") * Decimal("0.5"))


def test_commit_when_denied_then_every_limit_that_spoke_is_counted() -> None:
    found = counted([cycle(SYMBOLS[0], 0, CycleOutcome.DENIED), cycle(SYMBOLS[1], 0, CycleOutcome.DENIED)])
    assert found["fks_orders_denied_total max_notional"] == 2


def test_commit_when_a_volume_is_unusual_then_it_is_counted_by_symbol() -> None:
    found = counted([replace(cycle(SYMBOLS[0], 0), flags=("volume", "spike")), cycle(SYMBOLS[1], 0)])
    assert found[f"fks_volume_anomalies_total {SYMBOLS[0]}"] == total(found, "fks_volume_anomalies_total") == 1


def test_commit_when_a_signal_goes_on_then_only_its_end_counts() -> None:
    states = [signal_record("s", status) for status in SignalStatus]
    found = counted(states)
    assert total(found, "fks_signals_total") == len(SignalStatus) - 2
    assert "fks_signals_total open" not in found


def test_commit_when_a_kind_has_no_metric_then_it_is_passed_over() -> None:
    assert counted([run("r"), control("why")]) == counted([])


def test_commit_when_the_trading_state_is_told_then_exactly_one_is_set() -> None:
    found = counted([equity(1), equity(2, "12000.00")])
    states = {state: found[f"fks_trading_state {state}"] for state in TradingState}
    assert sorted(states.values()) == [0, 0, 1]
    assert found["fks_equity_quote"] == 12_000


def test_commit_when_models_debated_then_outcome_duration_shift_and_every_turn_are_counted() -> None:
    late = turns.abstained(Role.JUDGE, 1, CallOutcome.LATE, "")
    moved = Debate(("grey_band", "large_notional"), TURNS, 0.5, 0.9, 0.65, 1_500)
    kept = Debate(("grey_band",), TURNS, 0.5, 0.5, 0.5, 500)
    unjudged = Debate(("grey_band",), (*TURNS[:2], late), 0.5, None, 0.5, 3_000)
    found = counted([replace(cycle(SYMBOLS[0], n), debate=d) for n, d in enumerate((moved, kept, unjudged))])
    assert {key: value for key, value in found.items() if key.startswith("fks_debates_total")} == {
        "fks_debates_total moved grey_band": 1, "fks_debates_total moved large_notional": 1,
        "fks_debates_total kept grey_band": 1, "fks_debates_total unjudged grey_band": 1,
    }  # fmt: skip
    assert (found["fks_debate_duration_seconds_count"], found["fks_debate_duration_seconds_sum"]) == (3, 5)
    assert round(found["fks_debate_shift_sum"], 9) == 0.15
    assert found["fks_debate_turns_total answered judge"] == 2
    assert found["fks_debate_turns_total late judge"] == 1
    assert found["fks_debate_turns_total answered bull"] == 3


def test_decision_when_timed_then_seconds_and_lag_of_each_symbol() -> None:
    telemetry = Telemetry("test")
    Tally(telemetry).decision(0.25, 1.5, SYMBOLS)
    found = figures(telemetry)
    assert (found["fks_decision_duration_seconds_count"], found["fks_decision_duration_seconds_sum"]) == (1, 0.25)
    assert found["fks_candle_lag_seconds BTC/USDT"] == found["fks_candle_lag_seconds ETH/USDT"] == 1.5


_ENTRIES = st.one_of(
    st.integers(0, 5).map(batch),
    st.tuples(st.sampled_from(SYMBOLS), st.integers(0, 5), st.sampled_from(CycleOutcome)).map(lambda a: cycle(*a)),
    st.tuples(st.text("ab", min_size=1), st.sampled_from(OrderStatus)).map(lambda a: order(*a)),
    st.sampled_from(SignalStatus).map(lambda status: signal_record("s", status)),
    st.just(fill("t", "a")),
    st.just(equity(1)),
)


@given(st.lists(_ENTRIES, max_size=20), st.integers(0, 20))
def test_commit_when_the_entries_are_cut_into_commits_anyhow_then_the_counts_are_the_same(
    entries: list[Entry], cut: int
) -> None:
    telemetry = Telemetry("test")
    tally = Tally(telemetry)
    tally.commit(Commit("a", "", tuple(entries[:cut])))
    tally.commit(Commit("b", "a", tuple(entries[cut:])))
    assert figures(telemetry) == counted(entries)


async def test_commit_when_a_desk_trades_then_the_counters_equal_its_journal() -> None:
    telemetry = Telemetry("test")
    home = InProcessDesk(("BTC/USDT", "ETH/USDT"), Breaker(1, 0.0))
    tally = Tally(telemetry)
    desk = home.desk
    await desk.recover()
    await desk.begin(run_record(("BTC/USDT", "ETH/USDT")))
    for bars in batches(400):
        await desk.run_cycle(bars)
    for entry in home.journal.entries:
        tally.entry(entry)
    found = figures(telemetry)
    cycles = [e for e in home.journal.entries if isinstance(e, CycleRecord)]
    outcomes = Counter((c.verdict.leaning, c.outcome) for c in cycles)
    assert {k: found[f"fks_decisions_total {k[0]} {k[1]}"] for k in outcomes} == dict(outcomes)
    fills = [e for e in home.journal.entries if isinstance(e, Fill)]
    assert fills
    assert total(found, "fks_order_notional_quote_total") == float(sum(float(f.price * f.quantity) for f in fills))
    ended = {e.intent.client_order_id for e in home.journal.entries if isinstance(e, Order) and e.status == "filled"}
    assert total(found, "fks_orders_total") == len(ended)
    refusals: list[Refusal] = [r for c in cycles for r in c.refusals]
    assert total(found, "fks_orders_denied_total") == len(refusals)


def scored(agent: str, outcomes: int, brier: float = 0.2) -> Score:
    return Score(agent, 24, None, outcomes, float(outcomes), brier, 0.125)


def test_scores_when_told_then_the_gauges_show_them_and_weights_by_mind() -> None:
    telemetry = Telemetry("test")
    tally = Tally(telemetry)
    tally.scores((), {})
    tally.scores((scored("mid_term", 3), scored("asmbtr", 2, 0.3)), {"mid_term": 1.25, "asmbtr": 0.75})
    tally.scores((scored("mid_term", 4, 0.25), scored("asmbtr", 2, 0.3)), {"mid_term": 1.5, "asmbtr": 0.5})
    found = figures(telemetry)
    assert {key: value for key, value in found.items() if key.startswith("fks_agent_weight")} == {
        "fks_agent_weight mid_term": 1.5,
        "fks_agent_weight asmbtr": 0.5,
    }
    assert (found["fks_agent_brier mid_term 24"], found["fks_agent_brier asmbtr 24"]) == (0.25, 0.3)
    assert found["fks_calibration_error mid_term 24"] == 0.125
    assert (found["fks_agent_outcomes_total mid_term"], found["fks_agent_outcomes_total asmbtr"]) == (4, 2)


def test_scores_when_a_process_takes_over_or_hears_the_same_again_then_an_outcome_counts_once() -> None:
    telemetry = Telemetry("test")
    tally = Tally(telemetry)
    tally.scores((scored("mid_term", 40),), {})  # as the journal has it: counted by who was there before
    assert total(figures(telemetry), "fks_agent_outcomes_total") == 0
    for outcomes in (41, 41, 43, 43, 1, 2):  # at last all was begun anew
        tally.scores((scored("mid_term", outcomes),), {})
    assert figures(telemetry)["fks_agent_outcomes_total mid_term"] == 5
