"""What makes a search and each of its trials again: settings, data by digest, seed, version and what was run."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from fks_actors import __version__
from fks_actors.adapters.feeds.columns import NAMES
from fks_actors.backtest.past import Past, Span, read_past
from fks_actors.backtest.search.space import NO_BEARING, Axis, Tree, settings_of
from fks_actors.backtest.search.splits import Plan
from fks_actors.errors import ConfigError, DataError
from fks_actors.settings import Settings


class SearchSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A whole search as a message (msgspec and JSON): whoever gets it needs the data's files and nothing else.

    `tree` is what the settings set (`space.base_tree`); `since_ms` to before `until_ms` is traded, None for all there
    is; `warm` bars are learnt from before each block. `study` names the folder under FKS_HOME/studies.
    """

    study: str
    data: tuple[str, ...]
    tree: Tree
    axes: tuple[Axis, ...]
    objectives: tuple[str, ...] = ("sharpe",)
    cv: str = "walk-forward:5"
    trials: int = 50
    seed: int = 7
    warm: int = 500
    since_ms: int | None = None
    until_ms: int | None = None
    sampler: str = "tpe"
    pruner: str = "none"
    version: str = __version__

    def differs(self, other: "SearchSpec") -> list[str]:
        """The fields in which another search is another one; how many trials it has does not count."""
        names = [name for name in self.__struct_fields__ if name != "trials"]
        return [name for name in names if getattr(self, name) != getattr(other, name)]


class BlockSpan(msgspec.Struct, frozen=True):
    """When a block was traded: from the bar that opened at `since_ms` to before `until_ms`."""

    since_ms: int
    until_ms: int


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A trial: `values` are what it changed, `tree` all that is set, `settings_sha256` of everything in effect.

    Each block of `blocks` was a run of its own over `data` (`data_sha256` by symbol), `warm` bars learnt before.
    """

    study: str
    number: int
    version: str
    seed: int
    values: dict[str, Any]
    tree: Tree
    settings_sha256: str
    data: tuple[str, ...]
    data_sha256: dict[str, str]
    cv: str
    warm: int
    blocks: tuple[BlockSpan, ...]

    def settings(self) -> Settings:
        """The settings of the trial.

        Raises:
            ConfigError: they are not what they were: another version has other keys or defaults.
        """
        settings = settings_of(self.tree)
        if settings_sha256(settings) != self.settings_sha256:
            raise ConfigError(
                f"trial {self.study}/{self.number} was made by version {self.version}, whose defaults were others than "
                f"those of {__version__}: its settings cannot be made again"
            )
        return settings

    def span(self, block: int | None = None) -> Span:
        """What was traded, as `read_past` takes it: one block, or from the first to the last."""
        chosen = self.blocks if block is None else (self.blocks[block],)
        return chosen[0].since_ms, chosen[-1].until_ms

    async def past(self, block: int | None = None) -> Past:
        """The bars of a block, or of all of them.

        Raises:
            ConfigError, DataFileError: a file cannot be used.
            DataError: the files hold other bars than they did.
        """
        past = await read_past(self.data, self.span(block), self.warm)
        if data_sha256(past) != self.data_sha256:
            raise DataError(f"the bars of {past.info.label} are not those that trial {self.study}/{self.number} saw")
        return past


def data_sha256(past: Past) -> dict[str, str]:
    """A digest of each symbol's columns, all bars of the recording; the same from CSV and Parquet."""
    found: dict[str, str] = {}
    for track in past.tracks:
        digest = hashlib.sha256()
        for name in ("times", *NAMES[1:]):
            column = getattr(track.columns, name)
            digest.update(column.astype("<i8" if name == "times" else "<f8").tobytes())
        found[track.symbol] = digest.hexdigest()
    return found


def settings_sha256(settings: Settings) -> str:
    """A digest of all values in effect that a run reads, defaults among them."""
    dumped = settings.model_dump(mode="json", exclude=set(NO_BEARING))
    return hashlib.sha256(json.dumps(dumped, sort_keys=True).encode()).hexdigest()


def record_of(
    spec: SearchSpec, number: int, values: Mapping[str, Any], settings: Settings, tree: Tree, past: Past, plan: Plan
) -> TrialRecord:
    """The record of a trial that is about to run."""
    last = past.info.interval_ms
    spans = tuple(BlockSpan(int(past.times[a]), int(past.times[b - 1]) + last) for a, b in plan.blocks)
    return TrialRecord(
        study=spec.study,
        number=number,
        version=spec.version,
        seed=spec.seed,
        values=dict(values),
        tree=tree,
        settings_sha256=settings_sha256(settings),
        data=spec.data,
        data_sha256=data_sha256(past),
        cv=spec.cv,
        warm=plan.warm,
        blocks=spans,
    )
