"""The keeper of news: repeatable, bounded, never ahead of the bar, and back after a kill."""

import itertools
import json
import random

import pytest

from fks_actors.agents.config import SentimentConfig
from fks_actors.agents.sentiment import MARKET, Scored
from fks_actors.desk.config import mind_owner
from fks_actors.desk.mind_keeper import Answer
from fks_actors.desk.news_keeper import NewsKeeper, Shelf
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Commit
from fks_actors.model.votes import Abstain, Vote
from tests.in_process import MemoryJournal
from tests.market import MINUTE, START, SYMBOLS, batches

BARS = batches(120)
CONFIG = SentimentConfig(half_life_s=1_800, min_weight=0.5)
OWNERS = [mind_owner("sentiment", symbol) for symbol in SYMBOLS]


def news(count: int = 400, seed: int = 1) -> list[tuple[str, Scored]]:
    rng = random.Random(seed)
    return [
        (
            rng.choice(["BTC", "ETH", MARKET]),
            Scored(f"{n:04x}", START + rng.randrange(-60, 130) * MINUTE, rng.uniform(-1, 1), rng.uniform(0.2, 1)),
        )
        for n in range(count)
    ]


NEWS = news()


def keeper(
    journal: MemoryJournal, items: list[tuple[str, Scored]], model: str = "m1", config: SentimentConfig = CONFIG
) -> NewsKeeper:
    made = NewsKeeper(config, model, journal)
    for asset, scored in items:
        made.put(asset, scored)
    return made


async def told(held: NewsKeeper, batch: BarBatch) -> Answer:
    await held.restore(SYMBOLS)
    return held.ask(batch)


async def record(journal: MemoryJournal, batch: BarBatch, answer: Answer) -> None:
    await journal.commit([Commit(f"bar-{batch.ts_ms}", await journal.head(), (batch,), answer[1])])


async def straight() -> list[Answer]:
    held = keeper(MemoryJournal(), NEWS)
    return [await told(held, batch) for batch in BARS]


async def test_ask_when_the_future_is_corrupted_then_no_earlier_answer_changes() -> None:
    expected = await straight()
    assert any(isinstance(ballot, Vote) for ballots, _ in expected for ballot in ballots)
    for cut in (0, 37, 90):
        close_ms = BARS[cut].close_ms
        other = [(a, s) if s.ts_ms <= close_ms else (a, Scored(s.id, s.ts_ms, -1.0, 1.0)) for a, s in NEWS]
        held = keeper(MemoryJournal(), [*other, ("BTC", Scored("ff", close_ms + 1, -1.0, 1.0))])
        assert [await told(held, batch) for batch in BARS[: cut + 1]] == expected[: cut + 1]
        assert [(await told(held, batch))[0] for batch in BARS[cut + 1 :]] != [a[0] for a in expected[cut + 1 :]]


async def test_ask_when_killed_at_any_time_then_it_answers_as_one_undisturbed() -> None:
    expected, journal, luck = await straight(), MemoryJournal(), random.Random(3)
    held, kills = keeper(journal, NEWS), 0
    for batch, answer in zip(BARS, expected, strict=True):
        if luck.random() < 0.2:
            held, kills = keeper(journal, NEWS), kills + 1
        given = await told(held, batch)
        assert given[0] == answer[0]
        await record(journal, batch, given)
    assert kills > 5


async def test_ask_when_headlines_come_late_then_an_answer_that_was_given_stays() -> None:
    journal = MemoryJournal()
    held = keeper(journal, [])
    first = [await told(held, batch) for batch in BARS[:24]]
    for batch, answer in zip(BARS, first, strict=False):
        await record(journal, batch, answer)
    for asset, scored in NEWS:
        held.put(asset, scored)
    assert [await told(held, batch) for batch in BARS[:24]] == first
    due = max(n for n, answer in enumerate(first) if answer[1])
    back = keeper(journal, NEWS)
    kept = BARS[due - CONFIG.checkpoint_bars + 1 : due + 1]
    assert [(await told(back, batch))[0] for batch in kept] == [a[0] for a in first[due - 11 : due + 1]]
    assert (await told(back, BARS[due - 12]))[0] != first[due - 12][0]


async def test_restore_when_the_sources_are_silent_then_the_headlines_of_the_snapshot_speak() -> None:
    journal = MemoryJournal()
    held = keeper(journal, NEWS)
    answers = [await told(held, batch) for batch in BARS]
    due = max(n for n, answer in enumerate(answers[:-1]) if answer[1])
    for batch, answer in zip(BARS[: due + 1], answers, strict=False):
        await record(journal, batch, answer)
    silent = keeper(journal, [])
    after = (await told(silent, BARS[due + 1]))[0]
    assert all(isinstance(ballot, Vote) for ballot in after)
    known = [(a, s) for a, s in NEWS if s.ts_ms <= BARS[due].close_ms]
    assert after == (await told(keeper(MemoryJournal(), known), BARS[due + 1]))[0]


async def test_snapshot_when_due_then_one_a_symbol_with_ids_and_numbers_only() -> None:
    answers = await straight()
    due = [n for n, answer in enumerate(answers) if answer[1]]
    assert [b - a for a, b in itertools.pairwise(due)] == [CONFIG.checkpoint_bars] * (len(due) - 1)
    assert [s.owner for s in answers[due[0]][1]] == OWNERS
    state = json.loads(answers[due[-1]][1][0].payload)
    assert {len(item) for item in state["own"]} == {4}
    assert len(state["said"]) == CONFIG.checkpoint_bars


async def test_restore_when_another_model_scored_then_its_numbers_are_not_taken_up() -> None:
    journal = MemoryJournal()
    held = keeper(journal, NEWS)
    for batch in BARS[:60]:
        await record(journal, batch, await told(held, batch))
    other = keeper(journal, [], model="m2")
    assert all(isinstance(ballot, Abstain) for ballot in (await told(other, BARS[61]))[0])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"{}",
        b'{"model":"m1","own":[["a",1,7.0,1.0]],"market":[],"said":[]}',
        b'{"model":"m1","own":[["a",1,0.5,"x"]],"market":[],"said":[]}',
        b'{"model":"m1","own":[],"market":[],"said":[{"ts_ms":1,"reason":"because"}]}',
        b'{"model":"m1","own":[],"market":[],"said":[{"ts_ms":1,"reason":"","action":"buy","confidence":7}]}',
    ],
)
async def test_restore_when_the_snapshot_is_damaged_then_the_news_are_gathered_anew(payload: bytes) -> None:
    journal = MemoryJournal()
    for owner in OWNERS:
        journal.snapshots[owner] = type(await journal.snapshot(owner))(owner, "c", payload)
    expected = await straight()
    assert await told(keeper(journal, NEWS), BARS[50]) == expected[50]


async def test_market_when_a_headline_is_on_all_then_it_counts_its_share_for_each() -> None:
    held = keeper(MemoryJournal(), [(MARKET, Scored("a", BARS[0].close_ms, 1.0, 0.8))])
    for symbol in SYMBOLS:
        assert [each.weight for each in held.held(symbol, BARS[0].close_ms)] == [0.8 * CONFIG.market_share]


def test_shelf_when_more_comes_than_it_holds_then_the_oldest_goes_and_twice_is_once() -> None:
    shelf = Shelf(3)
    for at in (5, 1, 4, 2, 4):
        shelf.put(Scored(str(at), at, 0.0, 1.0))
    assert [each.ts_ms for each in shelf.between(0, 9)] == [2, 4, 5]
    assert [each.ts_ms for each in shelf.between(2, 4)] == [4]
    assert len(shelf) == 3
