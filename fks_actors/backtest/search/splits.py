"""What is trained and what is tested on. Bars are numbered as in the recording; a range holds its first, not its last.

The traded bars are cut into equal blocks. A trial runs each block once, from fresh cash; as its values do not change
with the split, its score on any set of bars is that of the returns that it made there.

walk-forward   K tests one after the other, each trained on all blocks before it, or on the last M of them (rolling)
purged         K-fold: each block is tested once and the others are trained on
combinatorial  all choices of T test blocks of K; every block is tested in C(K - 1, T - 1) of them, which make so many
               paths over all bars

Out of the training bars fall those whose labels or features overlap a test: `purge` bars before and after each tested
range, and `embargo` more after it. Lopez de Prado 2018, "Advances in Financial Machine Learning", chapters 7 and 12.
Purging means what a label looks ahead, so it wants the longest horizon. Every block is run after `warm` bars before it
that are learnt from untraded; the first `warm` bars of a recording are therefore never traded.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from math import comb

import msgspec

from fks_actors.errors import ConfigError

Range = tuple[int, int]
_LEAST_BARS = 4
_MOST_SPLITS = 1_000
_KINDS = {
    "walk-forward": {"rolling", "purge"},
    "purged": {"purge", "embargo"},
    "combinatorial": {"test", "purge", "embargo"},
}


class Cv(msgspec.Struct, frozen=True):
    """How bars are split: `kind` (none, walk-forward, purged or combinatorial), `count` tests or blocks, and in bars
    `purge` and `embargo` (None: as the plan is told). `rolling`: training blocks, 0 for all; `test`: blocks a test."""

    kind: str
    count: int = 1
    rolling: int = 0
    test: int = 2
    purge: int | None = None
    embargo: int | None = None


class Split(msgspec.Struct, frozen=True):
    """Ranges of bars, ascending: what is trained and what is tested on."""

    train: tuple[Range, ...]
    test: tuple[Range, ...]


class Plan(msgspec.Struct, frozen=True):
    """The blocks that are run, ascending and side by side, and the splits of them; no split where all is in sample."""

    blocks: tuple[Range, ...]
    splits: tuple[Split, ...]
    warm: int
    purge: int = 0
    embargo: int = 0

    @property
    def begin(self) -> int:
        """The first traded bar."""
        return self.blocks[0][0]

    @property
    def tested(self) -> tuple[Range, ...]:
        """The blocks that some split tests, ascending; every block where there is no split."""
        held = {each for split in self.splits for each in split.test}
        return tuple(block for block in self.blocks if block in held) if held else self.blocks

    def paths(self) -> list[list[tuple[int, Range]]]:
        """Ways through all tested blocks, each block with a split that tests it: one, or several if combinatorial."""
        by_block = [[at for at, split in enumerate(self.splits) if block in split.test] for block in self.tested]
        count = min((len(found) for found in by_block), default=0)
        return [[(found[j], block) for found, block in zip(by_block, self.tested, strict=True)] for j in range(count)]


def parse_cv(text: str) -> Cv:
    """A way to split, such as none, walk-forward:5, walk-forward:5:rolling=2, purged:5:embargo=24 or
    combinatorial:6:test=2.

    Raises:
        ConfigError: what is wrong.
    """
    kind, *rest = text.split(":")
    if kind == "none" and not rest:
        return Cv(kind)
    if kind not in _KINDS:
        raise ConfigError(f"--cv {text}: write none, walk-forward:5, purged:5:embargo=24 or combinatorial:6:test=2")
    count = _whole(text, "the number of tests", rest[0] if rest else "5", 2 if kind != "walk-forward" else 1)
    told: dict[str, int] = {}
    for each in rest[1:]:
        name, _, value = each.partition("=")
        if name not in _KINDS[kind] or name in told:
            raise ConfigError(f"--cv {text}: {each!r} is none of {', '.join(sorted(_KINDS[kind]))}, each =BARS, once")
        told[name] = _whole(text, name, value, 1 if name in ("rolling", "test") else 0)
    cv = Cv(kind, count, **told)
    if kind == "combinatorial" and not 1 <= cv.test < count:
        raise ConfigError(f"--cv {text}: {cv.test} of {count} blocks cannot be tested, some must be trained on")
    if kind == "combinatorial" and comb(count, cv.test) > _MOST_SPLITS:
        raise ConfigError(f"--cv {text}: {comb(count, cv.test)} splits are more than {_MOST_SPLITS}")
    return cv


def plan(cv: Cv, begin: int, end: int, warm: int, horizon: int = 0) -> Plan:
    """The blocks and splits of the bars from `begin` to before `end`.

    Args:
        cv: how.
        begin: the first bar that may be traded; later where fewer than `warm` bars lie before it.
        warm: bars before each block that are learnt from.
        horizon: the longest horizon of a vote, the purge where `cv` names none; the embargo is then a hundredth of the
            bars, as in Lopez de Prado.

    Raises:
        ConfigError: there are too few bars.
    """
    first = max(begin, warm)
    cuts = cv.count + (cv.kind == "walk-forward")
    if end - first < cuts * _LEAST_BARS:
        raise ConfigError(
            f"{max(end - first, 0)} bars after {warm} to learn from are too few for {cuts} blocks; give more bars, or "
            "a smaller --warm or --cv"
        )
    blocks = _cut(first, end, cuts)
    purge = horizon if cv.purge is None else cv.purge
    embargo = (end - first) // 100 if cv.embargo is None else cv.embargo
    if cv.kind == "none":
        return Plan(blocks, (), warm)
    if cv.kind == "walk-forward":
        embargo = 0
    splits = tuple(_split(blocks, test, train, purge, embargo) for test, train in _choices(cv))
    if short := next((split for split in splits if not split.train), None):
        raise ConfigError(
            f"a purge of {purge} bars and an embargo of {embargo} leave nothing to train for the test of bars "
            f"{short.test[0][0]} to {short.test[-1][1]}; give more bars, or --cv {cv.kind}:{cv.count}:purge=BARS"
        )
    return Plan(blocks, splits, warm, purge, embargo)


def _choices(cv: Cv) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """The numbers of the tested and of the trained blocks."""
    if cv.kind == "walk-forward":
        for at in range(1, cv.count + 1):
            yield [at], range(max(at - cv.rolling, 0) if cv.rolling else 0, at)
        return
    for test in combinations(range(cv.count), cv.test if cv.kind == "combinatorial" else 1):
        yield test, [at for at in range(cv.count) if at not in test]


def _split(blocks: Sequence[Range], test: Sequence[int], train: Sequence[int], purge: int, embargo: int) -> Split:
    tested = tuple(blocks[at] for at in test)
    kept = _merged([blocks[at] for at in train])
    for start, stop in tested:
        kept = [part for each in kept for part in _without(each, (start - purge, stop + purge + embargo))]
    return Split(tuple(kept), tested)


def _without(held: Range, out: Range) -> Iterator[Range]:
    before, after = (held[0], min(held[1], out[0])), (max(held[0], out[1]), held[1])
    yield from (each for each in (before, after) if each[0] < each[1])


def _merged(ranges: Sequence[Range]) -> list[Range]:
    found: list[Range] = []
    for start, stop in sorted(ranges):
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return found


def _cut(begin: int, end: int, count: int) -> tuple[Range, ...]:
    edges = [begin + (end - begin) * at // count for at in range(count + 1)]
    return tuple(pairwise(edges))


def _whole(text: str, name: str, value: str, least: int) -> int:
    if not value.isdecimal() or not least <= int(value) <= 10**9:
        raise ConfigError(f"--cv {text}: {name}: write a whole number from {least} on, not {value!r}")
    return int(value)
