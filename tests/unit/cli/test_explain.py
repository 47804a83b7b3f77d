"""`fks decide`: the printed text and the JSON tell the same facts, and a model's words cannot steer the terminal."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fks_actors.agents.turns import abstained
from fks_actors.cli.explain import printable
from fks_actors.model.debates import CallOutcome, Debate, Role
from fks_actors.model.votes import Abstain, AbstainReason, Action, Vote
from tests.cli_runs import fks_here
from tests.debaters import TURNS, turn
from tests.fake_desk import FakeDesk
from tests.fakes import START_MS
from tests.unit.cli.conftest import Serve

VOTES = (
    Vote("short_term", "BTC/USDT", START_MS, Action.BUY, 0.75, "RSI [turned] up", (("rsi", 61.23456789),)),
    Abstain("long_term", "BTC/USDT", START_MS, AbstainReason.WARMING_UP, ""),
)


def test_decide_when_the_minds_voted_then_each_has_a_row(serve: Serve) -> None:
    serve(desk=FakeDesk(votes=VOTES))
    plain, explained = fks_here("decide", "btcusdt"), fks_here("decide", "BTC/USDT", "--explain")
    assert plain.code == explained.code == 0
    assert plain.out.splitlines()[0] == (
        "BTC/USDT BUY  strength 0.70 (needs 0.60), net +0.80, bar closed 2024-12-01 00:00 UTC"
    )
    assert "RSI [turned] up" in plain.out
    assert "warming_up" in plain.out
    assert "rsi=61.2346" not in plain.out
    assert "rsi=61.2346" in explained.out
    assert [v["agent"] for v in json.loads(fks_here("decide", "BTC/USDT", "--json").out)["votes"]] == [
        "short_term",
        "long_term",
    ]


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_explain_when_models_debated_then_votes_weights_parts_turns_and_cost_are_printed(serve: Serve) -> None:
    judged = turn(
        Role.JUDGE, text="The bull is right.", latency_ms=1_210, outcome=CallOutcome.CACHED, cost_usd=Decimal(0)
    )
    debate = Debate(("asked", "grey_band"), (*TURNS[:2], judged), 0.55, 0.9, 0.7, 1_930)
    serve(desk=FakeDesk(votes=VOTES, debate=debate))
    ran = fks_here("decide", "BTC/USDT", "--explain")
    assert ran.code == 0
    assert lines(ran.out) == [
        "BTC/USDT BUY strength 0.70 (needs 0.60), net +0.80, bar closed 2024-12-01 00:00 UTC",
        "mind vote confidence weight reason",
        "short_term buy 0.75 0.50 RSI [turned] up",
        "rsi=61.2346",
        "long_term abstain warming_up",
        "part of the score -1 sell..1 buy",
        "debate +0.550 the votes, each by confidence and weight",
        "models +0.150 how far the debate moved it",
        "final +0.700 enough: 0.60 is needed to act",
        "debate (asked, grey_band): +0.550 before, judged +0.900, +0.700 after; 1.93 s, cost $0.0024",
        "who score provider/model cost time said",
        "bull 1 +0.80 vllm/small $0.0012 0.00 s bull in round 1",
        "rests on short_term.rsi",
        "bear 1 -0.30 vllm/small $0.0012 0.00 s bear in round 1",
        "rests on short_term.rsi",
        "judge 1 +0.90 vllm/small (cached) $0 1.21 s The bull is right.",
        "rests on short_term.rsi",
    ]


def test_explain_when_a_speaker_was_late_then_it_says_so_and_that_the_score_stays(serve: Serve) -> None:
    late = abstained(Role.BEAR, 1, CallOutcome.NO_BUDGET, "0.10 USD of 0.10 are spent", 12)
    serve(desk=FakeDesk(votes=VOTES, debate=Debate(("asked",), (TURNS[0], late), 0.7, None, 0.7, 80)))
    said = lines(fks_here("decide", "BTC/USDT", "--explain").out)
    assert "debate (asked): +0.700 before, no judgement, the score stays, +0.700 after; 0.08 s, cost $0.0012" in said
    assert "bear 1 - $0 0.01 s (no budget: 0.10 USD of 0.10 are spent)" in said


def test_explain_when_nothing_was_debated_then_it_says_so(serve: Serve) -> None:
    serve(desk=FakeDesk(votes=VOTES))
    assert lines(fks_here("decide", "BTC/USDT", "--explain").out)[-1] == "no debate"


def test_decide_when_json_is_wanted_then_it_has_every_fact_that_is_printed(serve: Serve) -> None:
    serve(desk=FakeDesk(votes=VOTES, debate=Debate(("asked",), TURNS, 0.55, 0.9, 0.7, 1_930)))
    told = json.loads(fks_here("decide", "BTC/USDT", "--json").out)
    assert [(v["agent"], v["weight"]) for v in told["votes"]] == [("short_term", 0.5), ("long_term", None)]
    assert told["verdict"]["scores"] == {"debate": 0.55, "models": 0.15, "final": 0.7}
    assert (told["debate"]["cost_usd"], told["debate"]["duration_ms"]) == ("0.0036", 1_930)
    assert [t["call"]["prompt"] for t in told["debate"]["turns"]] == ["bull@1", "bear@1", "judge@1"]


def test_explain_when_a_model_writes_what_a_terminal_would_act_upon_then_it_is_plain_text(serve: Serve) -> None:
    hostile = turn(Role.BULL, text="\x1b[2J\x1b]0;owned\x07 [bold red]buy[/] \u202e:fire:\nsell\r all")
    serve(desk=FakeDesk(votes=VOTES, debate=Debate(("asked",), (hostile,), 0.7, None, 0.7, 1)))
    ran = fks_here("decide", "BTC/USDT", "--explain")
    assert ran.code == 0
    assert not set(ran.out) & set("\x1b\x07\u202e\r")
    assert "[bold red]buy[/] :fire: sell all" in " ".join(ran.out.split())


@given(st.text())
def test_printable_when_a_text_is_any_then_every_character_is_visible_or_a_blank(text: str) -> None:
    assert all(char.isprintable() for char in printable(text))
