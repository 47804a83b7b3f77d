from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from pydantic import TypeAdapter

from deployments import decision_shapes, render, verdicts
from fks_actors.agents.turns import abstained
from fks_actors.model.account import Account, Position
from fks_actors.model.debates import CallOutcome, Debate, Role
from fks_actors.model.records import CycleOutcome, CycleRecord
from fks_actors.model.votes import Abstain, AbstainReason, Action, Verdict, Vote
from fks_actors.risk.messages import Reservation, RiskState
from tests.debaters import TURNS
from tests.fake_desk import HALF_BLIND

BTC = "BTC/USDT"


def state() -> RiskState:
    return RiskState(
        {
            "paper": Account(Decimal(100), {BTC: Position(BTC, Decimal(1), Decimal(100))}, Decimal(2)),
            "binance": Account(Decimal(50), {BTC: Position(BTC, Decimal(3), Decimal(120))}, Decimal(1)),
            "okx": Account(Decimal(7)),
        },
        {
            "b": Reservation("paper", BTC, Decimal(60), Decimal(0), Decimal("0.5")),
            "s": Reservation("binance", BTC, Decimal(0), Decimal(2), Decimal(3), "t"),
        },
        {BTC: Decimal(110)},
    )


def test_account_when_there_are_several_venues_then_tells_the_sum_and_each() -> None:
    shown = render.account(state())
    assert (shown["cash"], shown["exposure"], shown["equity"], shown["fees"]) == ("157", "440", "597", "3")
    assert shown["unrealised"] == "-20"
    assert [(v["venue"], v["cash"], v["exposure"], v["equity"], v["reserved"]) for v in shown["venues"]] == [
        ("binance", "50", "330", "380", "0"),
        ("okx", "7", "0", "7", "0"),
        ("paper", "100", "110", "210", "60"),
    ]


def test_positions_when_a_symbol_lies_at_several_venues_then_is_one_row_that_says_where() -> None:
    (row,) = render.positions(state())
    assert (row["quantity"], row["entry_price"], row["value"]) == ("4", "115", "440")
    assert row["venues"] == {"binance": "3", "paper": "1"}


def test_risk_when_orders_are_unfinished_then_each_reservation_names_its_venue() -> None:
    rows = render.risk(state(), ())["reservations"]
    assert [(r["venue"], r["quote"], r["base"], r["left"], r["oco_id"]) for r in rows] == [
        ("paper", "60", "0", "0.5", ""),
        ("binance", "0", "2", "3", "t"),
    ]


def test_status_when_the_desk_tells_of_its_data_then_it_is_shown_and_else_nothing_is_paused() -> None:
    told = render.status("0", "paper", None, None, {"quality": HALF_BLIND}, {})["quality"]
    assert told == HALF_BLIND
    silent = render.status("0", "paper", None, None, None, {})["quality"]
    assert (silent["paused"], silent["sources"]) == (False, [])


def cycle(debate: Debate | None = None) -> CycleRecord:
    votes = (
        Vote("short_term", BTC, 0, Action.BUY, 0.75, "up", (("rsi", 61.5),)),
        Vote("tradingview", BTC, 0, Action.SELL, 0.5, "alert"),
        Abstain("long_term", BTC, 0, AbstainReason.WARMING_UP, "3 of 200"),
    )
    scores, weights = (("debate", 0.5), ("models", 0.15), ("final", 0.65)), (("short_term", 0.8), ("tradingview", 0.0))
    verdict = Verdict(BTC, 0, Action.BUY, Action.BUY, 0.5, 0.65, 0.6, scores, weights)
    return CycleRecord(f"{BTC}@0", BTC, 0, 60_000, Decimal(100), votes, verdict, CycleOutcome.HOLD, debate=debate)


def test_decision_when_minds_weigh_differently_then_each_vote_tells_and_an_abstention_has_none() -> None:
    shown = verdicts.decision(cycle())
    assert [(v["agent"], v["weight"]) for v in shown["votes"]] == [
        ("short_term", 0.8), ("tradingview", 0.0), ("long_term", None),
    ]  # fmt: skip
    assert shown["verdict"]["scores"] == {"debate": 0.5, "models": 0.15, "final": 0.65}
    assert shown["debate"] is None


def test_decision_when_recorded_before_weights_were_then_they_are_unknown() -> None:
    old = replace(cycle(), verdict=replace(cycle().verdict, scores=(), weights=()))
    assert [v["weight"] for v in verdicts.decision(old)["votes"]] == [None, None, None]
    assert verdicts.decision(old)["verdict"]["scores"] == {}


def test_decision_when_models_debated_then_every_turn_with_its_call_and_the_whole_cost() -> None:
    late = abstained(Role.JUDGE, 1, CallOutcome.LATE, "past the deadline", 1_400)
    shown = verdicts.decision(cycle(Debate(("grey_band",), (*TURNS[:2], late), 0.5, None, 0.5, 3_000)))["debate"]
    assert shown is not None
    assert (shown["triggers"], shown["before"], shown["judged"], shown["after"]) == (["grey_band"], 0.5, None, 0.5)
    assert (shown["cost_usd"], shown["duration_ms"]) == ("0.0024", 3_000)
    bull, _, judge = shown["turns"]
    assert (bull["role"], bull["round"], bull["score"], bull["cites"]) == ("bull", 1, 0.8, ["short_term.rsi"])
    assert bull["call"] == {
        "provider": "vllm", "model": "small", "prompt": "bull@1", "tier": "critical", "outcome": "answered",
        "requests": 0, "tokens_in": 0, "tokens_out": 0, "cost_usd": "0.0012", "latency_ms": 0, "detail": "",
    }  # fmt: skip
    assert (judge["score"], judge["text"], judge["call"]["outcome"]) == (None, "", "late")
    assert (judge["call"]["detail"], judge["call"]["latency_ms"]) == ("past the deadline", 1_400)


def test_decide_when_asked_then_it_shows_as_a_recorded_decision_does() -> None:
    record = cycle(Debate(("asked",), TURNS, 0.5, 0.9, 0.65, 7))
    said = {"symbol": BTC, "close_ms": 1, "ballots": record.ballots, "verdict": record.verdict, "debate": record.debate}
    shown, kept = verdicts.decide(said), verdicts.decision(record)
    assert TypeAdapter(decision_shapes.DecideShape).validate_python(shown) == shown
    assert (shown["votes"], shown["verdict"], shown["debate"]) == (kept["votes"], kept["verdict"], kept["debate"])


SHAPES = {
    "votes": decision_shapes.VoteShape,
    "verdict": decision_shapes.VerdictShape,
    "debate": decision_shapes.DebateShape,
}


def test_shapes_when_a_decision_is_shown_then_it_has_every_field_that_is_documented_and_no_other() -> None:
    shown = verdicts.decision(cycle(Debate(("asked",), TURNS, 0.5, 0.9, 0.65, 7)))
    TypeAdapter(decision_shapes.DecisionShape).validate_python(shown)
    assert set(shown) == set(decision_shapes.DecisionShape.__annotations__)
    for name, shape in SHAPES.items():
        held: Any = shown[name]  # type: ignore[literal-required]
        assert set(held[0] if name == "votes" else held) == set(shape.__annotations__)
