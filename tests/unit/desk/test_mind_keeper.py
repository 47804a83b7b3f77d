"""A kept mind stands where the desk says, whatever became of its process; its answers are those of one undisturbed."""

import random

import pytest

from fks_actors.agents.config import AgentsConfig
from fks_actors.desk.config import mind_owner
from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.mind_keeper import CHECKPOINT_BARS, Answer, MindKeeper
from fks_actors.errors import DataError
from fks_actors.market.config import MarketConfig
from fks_actors.memory.config import MemoryConfig
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Commit
from tests.in_process import MemoryJournal
from tests.market import SYMBOLS, batches

MINDS = ("short_term", "mid_term", "long_term", "asmbtr")

BARS = batches(3 * CHECKPOINT_BARS + 40)
MEMORY = MemoryConfig(short=30, mid=200, long=500)


def keeper(journal: MemoryJournal, horizon: str = "short_term", market: MarketConfig | None = None) -> MindKeeper:
    return MindKeeper(horizon, bar_mind(horizon, market or MarketConfig(), MEMORY, AgentsConfig()), journal)


def before(batch: BarBatch) -> dict[str, int]:
    index = BARS.index(batch)
    return dict.fromkeys(SYMBOLS, BARS[index - 1].ts_ms) if index else {}


async def record(journal: MemoryJournal, batch: BarBatch, answer: Answer) -> None:
    """What the desk does with an answer: bars and checkpoints in one commit."""
    await journal.commit([Commit(f"bar-{batch.ts_ms}", await journal.head(), (batch,), answer[1])])


async def straight(horizon: str) -> list[Answer]:
    journal = MemoryJournal()
    held = keeper(journal, horizon)
    answers = []
    for batch in BARS:
        answers.append(await held.ask(batch, before(batch)))
        await record(journal, batch, answers[-1])
    return answers


@pytest.mark.parametrize("horizon", MINDS)
async def test_ask_when_killed_at_any_time_then_the_answers_of_one_undisturbed(horizon: str) -> None:
    expected = await straight(horizon)
    journal, luck = MemoryJournal(), random.Random(horizon)
    held = keeper(journal, horizon)
    for batch, answer in zip(BARS, expected, strict=True):
        if luck.random() < 0.02:
            held = keeper(journal, horizon)
        assert await held.ask(batch, before(batch)) == answer
        if luck.random() < 0.02:  # it answered, and nobody heard it
            held = keeper(journal, horizon)
            assert await held.ask(batch, before(batch)) == answer
        await record(journal, batch, answer)


async def test_ask_when_the_same_batch_comes_again_then_the_same_answer_without_a_look_at_the_journal() -> None:
    journal = MemoryJournal()
    held = keeper(journal)
    first = await held.ask(BARS[0], {})
    assert await held.ask(BARS[0], {}) is first
    assert await keeper(journal).ask(BARS[0], {}) == first


async def test_ask_when_the_mind_is_ahead_then_it_goes_back_to_where_the_desk_stands() -> None:
    expected = await straight("short_term")
    journal = MemoryJournal()
    held = keeper(journal)
    for batch in BARS[:100]:
        await record(journal, batch, await held.ask(batch, before(batch)))
    for batch in BARS[100:130]:  # answered, but the coordinator dies before it commits any
        await held.ask(batch, before(batch))
    assert await held.ask(BARS[100], before(BARS[100])) == expected[100]


async def test_checkpoint_when_a_symbol_has_so_many_bars_then_one_for_each_symbol_and_else_none() -> None:
    answers = await straight("mid_term")
    taken = {number: [s.owner for s in answer[1]] for number, answer in enumerate(answers, 1) if answer[1]}
    owners = [mind_owner("mid_term", symbol) for symbol in SYMBOLS]
    assert taken == {n * CHECKPOINT_BARS: owners for n in (1, 2, 3)}


async def test_ask_ahead_when_asked_for_many_then_as_one_by_one_and_no_bar_sees_a_later_one() -> None:
    expected = await straight("short_term")
    held = keeper(MemoryJournal())
    answers = await held.ask_ahead(BARS[:300], {})
    assert answers == expected[:300]
    other = keeper(MemoryJournal())
    changed = [*BARS[:200], *(batch for batch in batches(300, seed=9)[200:])]
    assert (await other.ask_ahead(changed, {}))[:200] == expected[:200]


async def test_learn_when_history_is_given_then_votes_go_on_from_it_and_the_last_checkpoint_is_kept() -> None:
    expected = await straight("short_term")
    journal = MemoryJournal()
    held = keeper(journal)
    taken = await held.learn(BARS[:600], {})
    assert [s.owner for s in taken] == [mind_owner("short_term", symbol) for symbol in SYMBOLS]
    await journal.commit([Commit("history", "", tuple(BARS[:600]), taken)])
    assert await held.ask(BARS[600], before(BARS[600])) == expected[600]
    assert await keeper(journal).ask(BARS[600], before(BARS[600])) == expected[600]


async def test_ask_when_one_symbol_has_a_gap_then_the_other_is_undisturbed() -> None:
    expected = await straight("short_term")
    journal = MemoryJournal()
    held = keeper(journal)
    previous: dict[str, int] = {}
    for index, batch in enumerate(BARS[:200]):
        shown = batch if index % 7 else BarBatch(batch.ts_ms, batch.interval_ms, batch.candles[:1])
        answer = await held.ask(shown, previous)
        assert answer[0][0] == expected[index][0][0]
        await record(journal, shown, answer)
        previous |= {c.symbol: c.ts_ms for c in shown.candles}
        if index == 120:
            held = keeper(journal)


async def test_ask_when_the_periods_were_changed_then_it_is_computed_afresh_from_the_candles() -> None:
    journal = MemoryJournal()
    old = keeper(journal)
    for batch in BARS[:300]:
        await record(journal, batch, await old.ask(batch, before(batch)))
    market = MarketConfig()
    market = market.model_copy(update={"short": type(market.short)(rsi=7)})
    fresh = keeper(MemoryJournal(), market=market)
    await fresh.learn(BARS[300 - MEMORY.short - CHECKPOINT_BARS : 300], {})
    changed = keeper(journal, market=market)
    assert (await changed.ask(BARS[300], before(BARS[300])))[0] == (await fresh.ask(BARS[300], before(BARS[300])))[0]


async def test_ask_ahead_when_a_killed_mind_lacks_bars_that_are_not_recorded_yet_then_it_refuses_to_vote() -> None:
    """The desk looks ahead from bars that it is still writing down: a mind that came back cannot know them."""
    journal = MemoryJournal()
    held = keeper(journal)
    for batch in BARS[:100]:
        await record(journal, batch, await held.ask(batch, before(batch)))
    unwritten, ahead = BARS[100:116], BARS[116:132]
    answers = [await held.ask(batch, before(batch)) for batch in unwritten]
    killed = keeper(journal)
    with pytest.raises(DataError, match="not recorded"):
        await killed.ask_ahead(ahead, before(ahead[0]))
    for batch, answer in zip(unwritten, answers, strict=True):
        assert await killed.ask(batch, before(batch)) == answer
        await record(journal, batch, answer)
    assert await killed.ask_ahead(ahead, before(ahead[0])) == [await held.ask(batch, before(batch)) for batch in ahead]
