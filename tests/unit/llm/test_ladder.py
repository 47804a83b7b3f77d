"""Who is asked, in which order, for how long, at what price, and what comes back where nobody answers."""

import asyncio
import logging
import time
from decimal import Decimal

import pytest

from fks_actors.errors import ModelUnavailable
from fks_actors.llm.budget import likely_tokens, most_tokens, price
from fks_actors.llm.cache import cache_key
from fks_actors.llm.config import Place, ProviderConfig
from fks_actors.llm.ports import Completion, Prompt
from fks_actors.model.debates import CallOutcome, Tier
from tests.unit.llm.parts import BAD, GOOD, MemoryBooks, Model, Say, local, paid, prompt, scene, silence

DOWN = ModelUnavailable("x", "HTTP 503", 0.0, True)


async def test_ask_when_the_first_answers_then_no_other_is_asked_and_all_is_accounted() -> None:
    held = scene({"cloud": (paid(), Model(GOOD)), "tiny": (local(), Model(GOOD))})
    answer, call = await held.ask()
    assert answer == 7
    assert (call.outcome, call.provider, call.requests) == (CallOutcome.ANSWERED, "cloud", 1)
    assert (call.tokens_in, call.tokens_out, call.cost_usd) == (50, 10, Decimal("0.0006"))
    assert held.models["tiny"].asked == []
    assert held.ledger.spent("bull", held.now_ms[0]) == Decimal("0.0006")
    assert [(r.paid, r.provider) for r in held.books.settled] == [(Decimal("0.0006"), "cloud")]
    assert call.key == cache_key("cloud", "m", prompt())


async def test_ask_when_a_provider_is_down_then_the_next_answers_and_the_first_is_left_alone() -> None:
    held = scene({"cloud": (paid(), Model(DOWN)), "tiny": (local(), Model(GOOD))})
    answer, call = await held.ask()
    assert (answer, call.provider, call.requests, call.detail) == (7, "tiny", 2, "cloud: HTTP 503")
    assert held.ledger.spent("bull", held.now_ms[0]) == 0
    await held.ask(prompt("another"))
    assert len(held.models["cloud"].asked) == 1


async def test_ask_when_a_provider_says_when_to_come_back_then_it_is_left_alone_for_so_long() -> None:
    held = scene({"cloud": (local(), Model(ModelUnavailable("cloud", "HTTP 429", 30.0, True)))})
    _, call = await held.ask()
    assert call.outcome is CallOutcome.FAILED
    assert 29 < held.ladder.rungs["cloud"].cooling_s() <= 30


async def test_ask_when_the_first_hangs_then_the_next_answers_within_the_deadline() -> None:
    held = scene({"vllm": (local(), Model(silence)), "tiny": (local(), Model(GOOD))})
    start = time.perf_counter()
    answer, call = await held.ask(deadline_s=0.6)
    took = time.perf_counter() - start
    assert (answer, call.provider) == (7, "tiny")
    assert 0.28 < took < 0.5
    assert held.models["vllm"].cancelled == 1


async def test_ask_when_all_hang_then_it_returns_at_the_deadline_and_calls_are_cancelled() -> None:
    held = scene({"vllm": (local(), Model(silence)), "tiny": (paid(), Model(silence))})
    start = time.perf_counter()
    answer, call = await held.ask(deadline_s=0.3)
    took = time.perf_counter() - start
    assert (answer, call.outcome) == (None, CallOutcome.LATE)
    assert 0.25 < took < 0.4
    await held.ladder.close()
    assert [m.cancelled for m in held.models.values()] == [1, 1]
    assert all(m.closed for m in held.models.values())
    assert held.ledger.spent("bull", held.now_ms[0]) == price(paid(), *most_tokens(prompt())) == call.cost_usd
    assert held.books.settled == []


async def test_ask_when_a_client_will_not_die_then_the_deadline_holds_all_the_same() -> None:
    freed = asyncio.Event()

    async def stubborn(_: Prompt) -> Completion:
        try:
            await asyncio.Event().wait()
        finally:
            await freed.wait()
        raise AssertionError

    held = scene({"vllm": (local(), Model(stubborn))})
    start = time.perf_counter()
    _, call = await held.ask(deadline_s=0.2)
    assert time.perf_counter() - start < 0.3
    assert call.outcome is CallOutcome.LATE
    freed.set()
    await held.ladder.close()


async def test_ask_when_the_asker_is_cancelled_then_the_call_is_too_and_the_worst_case_is_kept() -> None:
    held = scene({"cloud": (paid(), Model(silence))})
    asking = asyncio.ensure_future(held.ask())
    await held.models["cloud"].was_asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await held.ladder.close()
    assert held.models["cloud"].cancelled == 1
    assert held.ledger.spent("bull", held.now_ms[0]) == price(paid(), *most_tokens(prompt()))


async def test_ask_when_an_answer_is_invalid_then_one_repair_and_the_record_of_the_first_question() -> None:
    held = scene({"tiny": (local(), Model(BAD, GOOD))})
    answer, call = await held.ask()
    assert (answer, call.outcome, call.requests) == (7, CallOutcome.REPAIRED, 2)
    assert "out_of_range" in held.models["tiny"].asked[1].user
    assert held.counts.codes == ["out_of_range"]
    assert await held.ladder.recall(call.key) == GOOD
    again, cached = await held.ask()
    assert (again, cached.outcome, cached.requests) == (7, CallOutcome.CACHED, 0)


async def test_ask_when_the_repair_is_invalid_too_then_nobody_else_is_asked() -> None:
    held = scene({"tiny": (local(), Model(BAD)), "cloud": (local(), Model(GOOD))})
    answer, call = await held.ask()
    assert (answer, call.outcome, call.requests) == (None, CallOutcome.INVALID, 2)
    assert held.models["cloud"].asked == []
    assert held.books.answers == {}


async def test_ask_when_the_provider_dies_before_the_repair_then_the_next_gets_the_first_question() -> None:
    held = scene({"tiny": (local(), Model(BAD, DOWN)), "cloud": (local(), Model(GOOD))})
    answer, call = await held.ask()
    assert (answer, call.outcome, call.provider) == (7, CallOutcome.ANSWERED, "cloud")
    assert held.models["cloud"].asked == [prompt()]


async def test_ask_when_an_invalid_answer_is_hostile_then_the_log_is_bounded_and_on_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    held = scene({"tiny": (local(), Model("\x1b[31m\n" + "x" * 100_000))})
    with caplog.at_level(logging.WARNING):
        await held.ask()
    assert len(caplog.messages) == 2
    assert all(len(m) < 800 and m.isprintable() for m in caplog.messages)


async def test_ask_when_the_quota_is_used_up_then_the_next_rung_without_a_request() -> None:
    held = scene({"cloud": (local(requests_per_day=1), Model(GOOD)), "tiny": (local(), Model(GOOD))})
    await held.ask(prompt("one"))
    _, call = await held.ask(prompt("two"))
    assert (call.provider, len(held.models["cloud"].asked)) == ("tiny", 1)
    assert held.ladder.rungs["cloud"].quota_left() == 0


async def test_ask_when_routine_then_a_clouds_quota_is_left_for_critical_questions() -> None:
    held = scene({"cloud": (local(Place.CLOUD, requests_per_day=10), Model(GOOD))})
    ends = [(await held.ask(prompt(f"r{n}", Tier.ROUTINE)))[1].outcome for n in range(9)]
    assert ends == [CallOutcome.ANSWERED] * 8 + [CallOutcome.NO_QUOTA]
    assert (await held.ask(prompt("c")))[1].outcome is CallOutcome.ANSWERED


async def test_ask_when_the_budget_is_spent_then_only_what_is_free_is_asked() -> None:
    worst = price(paid(), *most_tokens(prompt("q0")))
    held = scene({"cloud": (paid(), Model(Completion(GOOD))), "tiny": (local(), Model(GOOD))},
                 usd_per_agent_per_day=2 * worst)  # fmt: skip
    ends = [(await held.ask(prompt(f"q{n}")))[1].provider for n in range(3)]
    assert ends == ["cloud", "cloud", "tiny"]
    other = await held.ask(prompt("q0", agent="bear"))
    assert other[1].outcome is CallOutcome.CACHED
    assert (await held.ask(prompt("q9", agent="bear")))[1].provider == "cloud"


async def test_ask_when_the_books_cannot_be_written_then_nothing_paid_is_sent_and_free_models_answer() -> None:
    held = scene({"cloud": (paid(), Model(GOOD)), "tiny": (local(), Model(GOOD))}, books=MemoryBooks(broken=True))
    answer, call = await held.ask()
    assert (answer, call.provider) == (7, "tiny")
    assert held.models["cloud"].asked == []
    assert held.ledger.spent("bull", held.now_ms[0]) == 0


async def test_ask_when_a_paid_answer_tells_no_usage_then_the_worst_case_counts() -> None:
    held = scene({"cloud": (paid(), Model(Completion(GOOD)))})
    _, call = await held.ask()
    assert call.cost_usd == held.ledger.spent("bull", held.now_ms[0]) == price(paid(), *most_tokens(prompt()))


async def test_ask_when_an_answer_costs_more_than_its_worst_case_then_the_agent_buys_nothing_more() -> None:
    held = scene({"cloud": (paid(), Model(Completion(GOOD, 50_000, 5_000)))})
    _, first = await held.ask()
    _, second = await held.ask(prompt("more"))
    assert first.cost_usd == Decimal("0.55")
    assert (first.outcome, second.outcome) == (CallOutcome.ANSWERED, CallOutcome.NO_BUDGET)


@pytest.mark.parametrize("refused", [True, False])
async def test_ask_when_it_is_unknown_whether_a_model_ran_then_the_worst_case_is_kept(refused: bool) -> None:
    held = scene({"cloud": (paid(), Model(ModelUnavailable("cloud", "cut off", 0.0, refused)))})
    await held.ask()
    spent = held.ledger.spent("bull", held.now_ms[0])
    assert spent == (0 if refused else price(paid(), *most_tokens(prompt())))


async def test_ask_when_a_client_has_a_fault_then_the_next_rung_answers() -> None:
    held = scene({"odd": (local(), Model(RuntimeError("bug"))), "tiny": (local(), Model(GOOD))})
    answer, call = await held.ask()
    assert (answer, call.detail) == (7, "odd: its client failed: RuntimeError")


async def test_ask_when_nobody_is_configured_then_no_provider() -> None:
    answer, call = await scene({"tiny": (local(), Model(GOOD))}, order=()).ask()
    assert (answer, call.outcome, call.requests) == (None, CallOutcome.NO_PROVIDER, 0)


async def test_ask_when_more_ask_than_may_then_they_wait_their_turn() -> None:
    running, most = [0], [0]

    async def slow(_: Prompt) -> Completion:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.01)
        running[0] -= 1
        return Completion(GOOD, 1, 1)

    held = scene({"tiny": (local(max_concurrent=3), Model(slow))})
    ends = await asyncio.gather(*(held.ask(prompt(f"q{n}")) for n in range(12)))
    assert all(answer == 7 for answer, _ in ends)
    assert most[0] == 3


async def test_ask_when_cached_answers_no_longer_pass_then_the_model_is_asked_anew() -> None:
    held = scene({"tiny": (local(), Model(GOOD))})
    _, call = await held.ask()
    held.books.answers[call.key] = type(held.books.answers[call.key])(call.key, "tiny", "m", "case@1", BAD)
    fresh = scene({"tiny": (local(), Model(GOOD))}, books=held.books)
    answer, again = await fresh.ask()
    assert (answer, again.outcome) == (7, CallOutcome.ANSWERED)


async def test_ask_when_the_cache_is_off_then_each_question_is_asked_and_still_recorded() -> None:
    held = scene({"tiny": (local(), Model(GOOD))}, cache=False)
    await held.ask()
    _, call = await held.ask()
    assert len(held.models["tiny"].asked) == 2
    assert held.books.answers[call.key].text == GOOD


async def test_ask_when_an_answer_is_on_the_disk_then_neither_quota_nor_budget_is_touched() -> None:
    books = MemoryBooks()
    await scene({"cloud": (paid(), Model(GOOD))}, books=books).ask()
    later = scene({"cloud": (paid(requests_per_day=1), Model(DOWN))}, books=books, usd_per_agent_per_day=0)
    answer, call = await later.ask()
    assert (answer, call.outcome, call.cost_usd) == (7, CallOutcome.CACHED, 0)
    assert later.counts.hits == ["cloud"]


async def test_ask_when_tokens_a_minute_are_used_up_then_the_next_rung() -> None:
    room = likely_tokens(prompt("q0")) + 10
    held = scene({"cloud": (local(tokens_per_minute=room), Model(Completion(GOOD))), "tiny": (local(), Model(GOOD))})
    ends = [(await held.ask(prompt(f"q{n}")))[1].provider for n in range(2)]
    assert ends == ["cloud", "tiny"]
    held.now_ms[0] += 61_000
    assert (await held.ask(prompt("q3")))[1].provider == "cloud"


@pytest.mark.parametrize(
    ("provider", "says", "expected"),
    [
        (local(), DOWN, CallOutcome.RULES),
        (local(requests_per_day=1), GOOD, CallOutcome.RULES),
        (paid("1000000"), GOOD, CallOutcome.RULES),
        (local(), BAD, CallOutcome.INVALID),
        (local(), silence, CallOutcome.LATE),
    ],
)
async def test_ask_when_the_ladder_ends_in_rules_then_they_answer_where_no_model_could_be_asked(
    provider: ProviderConfig, says: Say, expected: CallOutcome
) -> None:
    held = scene({"tiny": (provider, Model(says))}, order=("tiny", "rules"))
    if provider.requests_per_day:
        await held.ask(prompt("the only one"))
    answer, call = await held.ask(deadline_s=0.1)
    assert (answer, call.outcome) == (None, expected)
    assert call.detail


@pytest.mark.parametrize(
    "closed", [local(requests_per_day=1), local(Place.CLOUD, requests_per_day=1), paid("1000000")], ids=str
)
async def test_ask_when_the_next_rung_has_no_quota_or_budget_then_the_first_gets_all_the_time(
    closed: ProviderConfig,
) -> None:
    async def slow(_: Prompt) -> Completion:
        await asyncio.sleep(0.3)
        return Completion(GOOD, 1, 1)

    held = scene({"slow": (local(), Model(DOWN, slow)), "closed": (closed, Model(GOOD))})
    if not closed.is_paid:
        await held.ask()
    held.ladder.rungs["slow"]._cooldown.worked()
    held.models["slow"].says = [slow]
    answer, call = await held.ask(prompt("more"), 0.5)
    assert (answer, call.provider) == (7, "slow")


async def test_ask_when_a_free_model_has_no_limit_then_nothing_is_booked() -> None:
    held = scene({"tiny": (local(), Model(GOOD)), "cloud": (local(requests_per_day=5), Model(GOOD))})
    await held.ask()
    assert held.books.begun == []
