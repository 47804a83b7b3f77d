"""From headlines to numbers: each once, in the order of publication, with everything counted that was left out."""

import asyncio
import math
import threading
from collections import Counter
from collections.abc import Sequence

import pytest

from fks_actors.adapters.news.assets import Assets
from fks_actors.adapters.news.cache import MemoryCache
from fks_actors.adapters.news.intake import REPEAT_SPAN_MS, Intake, Notes
from fks_actors.adapters.news.port import Headline, headline_id
from fks_actors.adapters.news.scoring import Scorer
from fks_actors.adapters.sentiment.port import Score
from fks_actors.agents.sentiment import MARKET
from fks_actors.errors import ModelUnavailable

NOW = 1_650_000_000_000
HOUR = 3_600_000
WINDOW = 24 * HOUR


class Counting:
    """A model that counts good and bad words, and its calls; it can be broken."""

    name = "counting@1"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.threads: set[int] = set()
        self.broken = False

    def score(self, texts: Sequence[str]) -> list[Score]:
        self.threads.add(threading.get_ident())
        if self.broken:
            raise RuntimeError("no weights")
        self.asked.append(list(texts))
        return [Score.of(("falls" in t, 1 - ("rises" in t or "falls" in t), "rises" in t)) for t in texts]


class Odd(Counting):
    """A model whose first score is no number."""

    def score(self, texts: Sequence[str]) -> list[Score]:
        bad = object.__new__(Score)
        object.__setattr__(bad, "p_negative", math.nan)
        object.__setattr__(bad, "p_positive", 0.0)
        return [bad, *super().score(texts[1:])]


def headline(title: str, age_ms: int = HOUR, source: str = "a", symbols: tuple[str, ...] = ()) -> Headline:
    return Headline(headline_id(source, title), source, title, NOW - age_ms, symbols)


class Scene:
    def __init__(self, model: Counting | None = None) -> None:
        self.model = model or Counting()
        self.taken: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        notes = Notes(lambda source: self.taken.update([source]), lambda reason: self.dropped.update([reason]))
        self.cache = MemoryCache()
        scorer = Scorer(self.model, self.cache, 300)
        self.intake = Intake(scorer, Assets(("BTC", "ETH")), {"a": 0.5, "b": 1.0}, WINDOW, notes)


async def test_take_when_headlines_come_then_each_asset_gets_its_score_and_the_sources_weight() -> None:
    scene = Scene()
    found = await scene.intake.take(
        [headline("Bitcoin and Ether rises"), headline("Crypto market falls", source="b")], NOW
    )
    assert [(asset, s.value, s.weight) for asset, s in found] == [
        ("BTC", 1.0, 0.5), ("ETH", 1.0, 0.5), (MARKET, -1.0, 1.0),
    ]  # fmt: skip
    assert scene.taken == {"a": 1, "b": 1}
    assert threading.get_ident() not in scene.model.threads


async def test_take_when_they_come_again_then_nothing_is_counted_or_scored_twice() -> None:
    scene = Scene()
    items = [headline("Bitcoin rises"), headline("Bitcoin https://evil.example"), headline("Cats purr")]
    assert len(await scene.intake.take(items, NOW)) == 1
    assert await scene.intake.take(items, NOW) == []
    assert scene.dropped == {"link": 1, "other_asset": 1}
    assert scene.model.asked == [["Bitcoin rises"]]


async def test_take_when_other_sources_repeat_it_then_the_first_published_stays() -> None:
    scene = Scene()
    early, late = headline("Bitcoin rises today", 2 * HOUR, "b"), headline("Bitcoin rises today", HOUR)
    found = await scene.intake.take([late, early], NOW)
    assert [s.id for _, s in found] == [early.id]
    assert scene.dropped == {"duplicate": 1}


async def test_take_when_a_headline_claims_to_be_of_the_future_then_it_waits_for_its_time() -> None:
    scene = Scene()
    item = headline("Bitcoin rises", -HOUR)
    assert await scene.intake.take([item], NOW) == []
    assert scene.dropped == {"future": 1}
    assert len(await scene.intake.take([item], NOW + HOUR)) == 1


async def test_take_when_headlines_are_older_than_can_matter_then_they_are_passed_over() -> None:
    scene = Scene()
    assert await scene.intake.take([headline("Bitcoin rises", WINDOW + REPEAT_SPAN_MS)], NOW) == []
    assert scene.model.asked == []
    assert scene.dropped == {}


async def test_take_when_the_model_fails_then_the_headlines_wait_for_it() -> None:
    scene = Scene()
    scene.model.broken = True
    with pytest.raises(ModelUnavailable, match="RuntimeError"):
        await scene.intake.take([headline("Bitcoin rises")], NOW)
    scene.model.broken = False
    assert [s.value for _, s in await scene.intake.take([], NOW)] == [1.0]
    assert scene.taken == {"a": 1}


async def test_take_when_the_model_gives_no_number_then_that_headline_is_left_out() -> None:
    scene = Scene(Odd())
    found = await scene.intake.take([headline("Bitcoin halves", 2 * HOUR), headline("Bitcoin rises")], NOW)
    assert [s.value for _, s in found] == [1.0]
    assert scene.dropped == {"unscored": 1}


async def test_take_when_several_come_at_once_then_each_headline_is_scored_once() -> None:
    scene = Scene()
    items = [headline(f"Bitcoin rises number{n}") for n in range(100)]
    found = await asyncio.gather(*(scene.intake.take(items, NOW) for _ in range(4)))
    assert sum(len(each) for each in found) == 100
    assert sorted(text for batch in scene.model.asked for text in batch) == sorted(h.title for h in items)
    assert max(len(batch) for batch in scene.model.asked) <= 64


async def test_score_when_asked_again_then_from_the_cache_until_its_time_is_over() -> None:
    now_s = [0.0]
    model = Counting()
    scorer = Scorer(model, MemoryCache(lambda: now_s[0]), 300)
    assert await scorer.score(["Bitcoin rises", "x", "Bitcoin rises"]) == [1.0, 0.0, 1.0]
    now_s[0] = 299
    assert await scorer.score(["x"]) == [0.0]
    assert model.asked == [["Bitcoin rises", "x"]]
    now_s[0] = 301
    assert await scorer.score(["x"]) == [0.0]
    assert model.asked[1:] == [["x"]]


@pytest.mark.parametrize("raw", [b"", b"short", b"\x7f\xf8\0\0\0\0\0\0", b"\x40\x1c\0\0\0\0\0\0", b"longer than 8"])
async def test_score_when_the_cache_holds_nonsense_then_the_model_is_asked(raw: bytes) -> None:
    scene = Scene()
    scorer = Scorer(scene.model, scene.cache, 300)
    await scene.cache.put({scorer._key("Bitcoin rises"): raw}, 300)
    assert await scorer.score(["Bitcoin rises"]) == [1.0]


async def test_take_when_more_waits_for_a_broken_model_than_there_is_room_for_then_the_oldest_is_dropped() -> None:
    scene = Scene()
    scene.model.broken = True
    items = [headline(f"Bitcoin q{n:05d}", HOUR - n) for n in range(4_010)]
    with pytest.raises(ModelUnavailable):
        await scene.intake.take(items, NOW)
    assert scene.dropped == {"overflow": 10}
    scene.model.broken = False
    found = await scene.intake.take([], NOW)
    assert [scored.id for _, scored in found] == [each.id for each in items[10:]]
