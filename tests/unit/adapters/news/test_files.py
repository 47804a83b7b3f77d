"""Recorded headlines: released no earlier than their time, whatever else stands in the file."""

import gzip
import os
from collections import Counter
from pathlib import Path

import pytest

from fks_actors.adapters.news.config import NewsSourceConfig
from fks_actors.adapters.news.files import FileSource
from fks_actors.adapters.news.times import read_ms
from fks_actors.errors import NewsUnavailable

CSV = """published,source,subject,title
2022-01-02T10:00:00+00:00,CoinTelegraph,bitcoin,Second
2022-01-01T10:00:00Z,CryptoNews,altcoin,"First, with a comma"
2022-01-03 10:00:00,CryptoPotato,ethereum,Third
not a time,X,bitcoin,Undated
1641290400,X,bitcoin,As epoch
2022-01-05T10:00:00,X
"""
JSONL = """{"published": "2022-01-01T10:00:00Z", "source": "a", "subject": "bitcoin", "title": "First"}

{"published": 1641117600000, "title": "Second", "extra": [1]}
{"published": 1641117600000, "title": 7}
{broken
[1]
"""
DAY = 86_400_000
FIRST = 1_641_031_200_000


class Clock:
    now_ms = 10**13

    def __call__(self) -> int:
        return self.now_ms


def source(path: Path, clock: Clock, drops: Counter[str] | None = None, **more: object) -> FileSource:
    config = NewsSourceConfig.model_validate({"kind": "file", "path": str(path), **more})
    noted: Counter[str] = drops if drops is not None else Counter()
    return FileSource("record", config, clock, 1_000, lambda reason: noted.update([reason]), lambda _: None)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "news.csv.gz"
    path.write_bytes(gzip.compress(CSV.encode()))
    return path


async def test_fetch_when_read_then_sorted_with_what_the_subject_tells_and_bad_rows_counted(recorded: Path) -> None:
    drops: Counter[str] = Counter()
    found = await source(recorded, Clock(), drops).fetch(0)
    assert [h.title for h in found] == ["First, with a comma", "Second", "Third", "As epoch"]
    by_title = {h.title: h for h in found}
    assert by_title["Second"].symbols == ("BTC",)
    assert by_title["Third"].symbols == ("ETH",)
    assert by_title["First, with a comma"].symbols == ()
    assert by_title["First, with a comma"].published_ms == FIRST
    assert drops == {"malformed": 2}


async def test_fetch_when_the_clock_moves_then_nothing_is_released_before_its_time(recorded: Path) -> None:
    clock = Clock()
    held = source(recorded, clock)
    released = []
    for hour in range(24 * 5):
        clock.now_ms = FIRST + hour * 3_600_000
        found = await held.fetch(0)
        assert all(h.published_ms <= clock.now_ms for h in found)
        released.append(len(found))
    assert released[0] == 1
    assert released[23:25] == [1, 2]
    clock.now_ms = FIRST - 1
    assert await held.fetch(0) == []


async def test_fetch_when_asked_since_an_instant_then_from_that_instant_on(recorded: Path) -> None:
    held = source(recorded, Clock())
    assert next(h.title for h in await held.fetch(FIRST + DAY)) == "Second"
    assert next(h.title for h in await held.fetch(FIRST + DAY + 1)) == "Third"


async def test_fetch_when_it_is_json_lines_then_the_same_with_bad_lines_counted(tmp_path: Path) -> None:
    path, drops = tmp_path / "news.jsonl", Counter[str]()
    path.write_text(JSONL, encoding="utf-8")
    found = await source(path, Clock(), drops, symbols=["SOL"]).fetch(0)
    assert [(h.title, h.symbols) for h in found] == [("First", ("BTC", "SOL")), ("Second", ("SOL",))]
    assert drops["malformed"] == 3


async def test_fetch_when_the_file_grows_then_it_is_read_again_and_ids_stay(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_text("\n".join(CSV.splitlines()[:2]) + "\n", encoding="utf-8")
    held = source(path, Clock())
    first = await held.fetch(0)
    path.write_text("\n".join(CSV.splitlines()[:3]) + "\n", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    second = await held.fetch(0)
    assert len(first) == 1
    assert len(second) == 2
    assert first[0] in second


async def test_fetch_when_keywords_are_set_then_only_titles_with_one(recorded: Path) -> None:
    assert [h.title for h in await source(recorded, Clock(), keywords=["SECOND"]).fetch(0)] == ["Second"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("absent.csv", None),
        ("columns.csv", b"time,text\n1,2\n"),
        ("broken.csv.gz", b"no gzip"),
        ("cut.csv.gz", gzip.compress(CSV.encode() * 50)[:-20]),
        ("news.parquet", b"PAR1"),
        ("empty.csv", b""),
    ],
)
async def test_fetch_when_the_file_cannot_be_read_then_unavailable(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NewsUnavailable, match="record: its file cannot be read"):
        await source(path, Clock()).fetch(0)


async def test_fetch_when_a_line_is_endless_then_it_is_cut_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    good = '{"published": 1641117600000, "title": "Good"}\n'
    path.write_text('{"title": "' + "x" * 300_000 + '"}\n' + good, encoding="utf-8")
    assert [h.title for h in await source(path, Clock()).fetch(0)] == ["Good"]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("2022-01-01T10:00:00+02:00", FIRST - 7_200_000),
        ("2022-01-01T10:00:00.5Z", FIRST + 500),
        (FIRST, FIRST),
        (FIRST / 1_000, FIRST),
        ("1641031200", FIRST),
        (str(FIRST), FIRST),
        ("164103120", None),
        (True, None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**30, None),
        (-5, None),
        ("x" * 1_000_000, None),
        ("9999-12-31T23:59:59Z", None),
    ],
)
def test_read_when_a_time_is_stated_then_milliseconds_or_nothing(stated: object, expected: int | None) -> None:
    assert read_ms(stated) == expected
