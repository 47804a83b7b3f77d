"""The sentiment actor as a plain object, over files: it follows the clock of the bars and comes back after a kill."""

import inspect
import json
import os
import pickle
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fks_actors.actors.sentiment import Outside, SentimentActor
from fks_actors.actors.wiring import NewsRooms, Wiring, actor_specs, paper_plan
from fks_actors.adapters.news.config import NewsConfig
from fks_actors.adapters.sentiment.config import SentimentModelConfig
from fks_actors.adapters.sentiment.port import Score
from fks_actors.agents.config import AgentsConfig, SentimentConfig
from fks_actors.desk.config import PAPER
from fks_actors.desk.mind_keeper import Answer
from fks_actors.errors import JournalUnavailable
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Commit, SnapshotAt
from fks_actors.model.votes import Abstain, AbstainReason, Action, Vote
from fks_actors.settings import RedisSection, Settings
from tests.in_process import CASH, MemoryJournal, run_record
from tests.market import MINUTE, START, SYMBOLS, batches

BARS = batches(90)
GOOD, BAD = ("rises", "wins", "gains"), ("falls", "loses", "crashes")


class Words:
    """A model that counts good and bad words; it can be broken."""

    name = "words@1"
    broken = False

    def score(self, texts: Sequence[str]) -> list[Score]:
        if self.broken:
            raise OSError("no weights")
        return [Score.of((any(w in t for w in BAD), 0.5, any(w in t for w in GOOD))) for t in texts]


def row(n: int, minute: float, word: str, coin: str = "Bitcoin") -> dict[str, Any]:
    said = f"{coin} {word} in story w{n:04d} q{n * 7919 % 10_000:04d}"
    return {"published": START + round(minute * MINUTE), "source": "x", "subject": "", "title": said}


def story(seed: int = 5, count: int = 250) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [
        row(n, rng.uniform(-120, 95), rng.choice(GOOD + BAD), rng.choice(["Bitcoin", "Ether", "Crypto"]))
        for n in range(count)
    ]


STORY = story()


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")


class Scene:
    def __init__(self, folder: Path, rows: list[dict[str, Any]] = STORY, **sources: object) -> None:
        self.path = folder / "news.jsonl"
        write(self.path, rows)
        given = sources or {"record": {"kind": "file", "path": str(self.path), "weight": 0.9}}
        self.news = NewsConfig.model_validate({"sources": given})
        self.config = SentimentConfig(half_life_s=1_200, min_weight=0.5, checkpoint_bars=5)
        self.journal: Any = MemoryJournal()
        self.model = Words()
        self.opened = 0
        self.clock_s = 0.0

    def actor(self) -> SentimentActor:
        rooms = NewsRooms(self.news, SentimentModelConfig(), self.config, SYMBOLS, False)
        return SentimentActor(rooms, "none", Outside(self.journal, self._open, clock_s=lambda: self.clock_s))

    def _open(self) -> Words:
        self.opened += 1
        return self.model

    async def record(self, batch: BarBatch, answer: Answer) -> None:
        commit = Commit(f"bar-{batch.ts_ms}", await self.journal.head(), (batch,), answer[1])
        await self.journal.commit([commit])


async def straight(folder: Path, rows: list[dict[str, Any]] = STORY) -> list[Answer]:
    actor = Scene(folder, rows).actor()
    return [await actor.ask(batch, {}) for batch in BARS]


def metrics(actor: SentimentActor, family: str) -> dict[str, float]:
    return {
        ",".join(value for _, value in labels): value_
        for name, sample, labels, value_ in actor.telemetry.snapshot()
        if name == family and not sample.endswith("_created")
    }


async def test_ask_when_headlines_are_recorded_then_it_votes_both_ways_and_counts(tmp_path: Path) -> None:
    actor = Scene(tmp_path).actor()
    answers = [await actor.ask(batch, {}) for batch in BARS]
    votes = [ballot for ballots, _ in answers for ballot in ballots if isinstance(ballot, Vote)]
    assert {vote.action for vote in votes} == set(Action)
    assert all("story" not in vote.reason for vote in votes)
    read = sum(1 for each in STORY if each["published"] <= BARS[-1].close_ms)
    assert metrics(actor, "fks_headlines_total") == {"record": read}
    assert set(metrics(actor, "fks_sentiment_score")) == set(SYMBOLS)
    assert metrics(actor, "fks_vote_duration_seconds")
    await actor.close()


async def test_ask_when_the_future_of_the_file_is_corrupted_then_no_earlier_answer_changes(tmp_path: Path) -> None:
    expected = await straight(tmp_path)
    for cut in (0, 30, 75):
        close_ms = BARS[cut].close_ms
        past = [each for each in STORY if each["published"] <= close_ms]
        lies = [row(5_000 + n, cut + 1.001 + n / 10, "crashes") for n in range(100)]
        corrupted = await straight(tmp_path, past + lies)
        assert [a[0] for a in corrupted[: cut + 1]] == [a[0] for a in expected[: cut + 1]]
        assert [a[0] for a in corrupted[cut + 1 :]] != [a[0] for a in expected[cut + 1 :]]


async def test_ask_when_killed_at_any_time_then_it_answers_as_one_undisturbed(tmp_path: Path) -> None:
    expected, scene, luck = await straight(tmp_path), Scene(tmp_path), random.Random(9)
    actor, kills = scene.actor(), 0
    for batch, answer in zip(BARS, expected, strict=True):
        if luck.random() < 0.15:
            actor, kills = scene.actor(), kills + 1
        given = await actor.ask(batch, {})
        assert given[0] == answer[0]
        await scene.record(batch, given)
    assert kills > 5


async def test_ask_when_the_desk_goes_back_then_the_answers_of_then(tmp_path: Path) -> None:
    expected, scene = await straight(tmp_path), Scene(tmp_path)
    actor = scene.actor()
    for batch in BARS[:40]:
        await actor.ask(batch, {})
    other = [BarBatch(batch.ts_ms, batch.interval_ms, batch.candles[:1]) for batch in BARS]
    for n in (10, 11, 39):
        assert (await actor.ask(other[n], {}))[0] == expected[n][0][:1]


async def test_ask_ahead_when_many_bars_wait_then_as_one_by_one(tmp_path: Path) -> None:
    expected, actor = await straight(tmp_path), Scene(tmp_path).actor()
    assert await actor.ask_ahead(BARS[:60], {}) == expected[:60]
    assert await actor.ask(BARS[20], {}) == expected[20]
    assert await actor.learn(BARS[60:70], {}) == ()
    assert (await actor.ask(BARS[70], {}))[0] == expected[70][0]


async def test_ask_when_the_file_was_changed_since_then_a_recorded_answer_is_given_again(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    actor = scene.actor()
    answers = [await actor.ask(batch, {}) for batch in BARS[:30]]
    for batch, answer in zip(BARS, answers, strict=False):
        await scene.record(batch, answer)
    due = max(n for n, answer in enumerate(answers) if answer[1])
    write(scene.path, [row(n, due - 3, "crashes") for n in range(50)])
    os.utime(scene.path, ns=(1, 1))
    back = scene.actor()
    assert (await back.ask(BARS[due], {}))[0] == answers[due][0]
    assert any(isinstance(ballot, Vote) for ballot in answers[due][0])


async def test_ask_when_no_source_is_configured_then_it_abstains_and_opens_no_model(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.news = NewsConfig()
    ballots, snapshots = await scene.actor().ask(BARS[0], {})
    assert [(b.reason, b.detail) for b in ballots if isinstance(b, Abstain)] == [
        (AbstainReason.NO_DATA, "no news source is configured")
    ] * 2
    assert (snapshots, scene.opened) == ((), 0)


async def test_ask_when_a_replay_has_only_web_sources_then_it_says_what_is_missing(tmp_path: Path) -> None:
    scene = Scene(tmp_path, web={"kind": "rss", "url": "http://127.0.0.1:1/rss"})
    ballot = (await scene.actor().ask(BARS[0], {}))[0][0]
    assert isinstance(ballot, Abstain)
    assert ballot.detail == "no news file is configured, and a replay asks no other source"


async def test_ask_when_one_file_is_missing_then_the_other_speaks_and_the_trouble_is_told(tmp_path: Path) -> None:
    good = {"kind": "file", "path": str(tmp_path / "news.jsonl"), "weight": 0.9}
    scene = Scene(tmp_path, record=good, gone={"kind": "file", "path": str(tmp_path / "gone.csv")})
    actor = scene.actor()
    answers = [await actor.ask(batch, {}) for batch in BARS]
    assert [a[0] for a in answers] == [a[0] for a in await straight(tmp_path)]
    assert actor.activity() == "ready, 2 news sources, degraded: gone: its file cannot be read: FileNotFoundError"
    assert metrics(actor, "fks_news_requests_total")["unreadable,gone"] == len(BARS)


async def test_ask_when_the_model_fails_then_it_abstains_until_the_model_is_back(tmp_path: Path) -> None:
    expected, scene = await straight(tmp_path), Scene(tmp_path)
    scene.model.broken = True
    actor = scene.actor()
    ballots = (await actor.ask(BARS[0], {}))[0]
    assert {b.reason for b in ballots} == {AbstainReason.FAILED}
    scene.model.broken = False
    assert [(await actor.ask(batch, {}))[0] for batch in BARS] == [a[0] for a in expected]


async def test_ask_when_the_model_cannot_be_opened_then_it_is_tried_again_a_minute_later(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    tries = []

    def fail() -> Words:
        tries.append(1)
        raise ImportError("no torch here")

    rooms = NewsRooms(scene.news, SentimentModelConfig(), scene.config, SYMBOLS, False)
    actor = SentimentActor(rooms, "none", Outside(scene.journal, fail, clock_s=lambda: scene.clock_s))
    for batch in BARS[:5]:
        ballot = (await actor.ask(batch, {}))[0][0]
        assert isinstance(ballot, Abstain)
        assert ballot.reason is AbstainReason.FAILED
        assert ballot.detail == "sentiment: it cannot be opened: ImportError"
    assert len(tries) == 1
    scene.clock_s = 61.0
    await actor.ask(BARS[5], {})
    assert len(tries) == 2


async def test_ask_when_the_journal_is_silent_then_it_abstains_and_answers_once_it_speaks(tmp_path: Path) -> None:
    class Silent(MemoryJournal):
        silent = True

        async def snapshot(self, owner: str) -> SnapshotAt:
            if self.silent:
                raise JournalUnavailable("the disk is away")
            return await super().snapshot(owner)

    expected, scene = await straight(tmp_path), Scene(tmp_path)
    scene.journal = Silent()
    actor = scene.actor()
    assert {b.reason for b in (await actor.ask(BARS[50], {}))[0]} == {AbstainReason.FAILED}
    scene.journal.silent = False
    assert (await actor.ask(BARS[50], {}))[0] == expected[50][0]


@pytest.mark.parametrize(("feed", "live"), [("live:binance", True), ("simulated", False), ("replay:/a.csv", False)])
def test_specs_when_sentiment_is_a_mind_then_its_own_actor_with_what_it_needs(feed: str, live: bool) -> None:
    minds = ("short_term", "sentiment")
    settings = Settings(agents=AgentsConfig(minds=minds), redis=RedisSection(url="redis://:hunter2@127.0.0.1:6379/0"))
    run = run_record(SYMBOLS)
    run = type(run)(run.run_id, 0, feed, False, SYMBOLS, MINUTE, CASH, "0")
    plans = (paper_plan(PAPER, SYMBOLS, settings),)
    made = actor_specs(Wiring("ns", settings, run, "sqlite:////j.db", "sqlite:////i.db", plans, {PAPER: CASH}))
    by_name = {spec.name: spec for spec in made}
    assert by_name["short_term"].path.endswith(":SpecialistActor")
    spec = by_name["sentiment"]
    assert spec.path == "fks_actors.actors.sentiment:SentimentActor"
    rooms = spec.arguments[0]
    assert (rooms.live, rooms.symbols, rooms.redis_url) == (live, SYMBOLS, settings.redis.url)
    assert "hunter2" not in repr(spec)
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301 our own bytes
    inspect.signature(SentimentActor).bind(*spec.arguments)
