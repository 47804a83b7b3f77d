"""Doing a job: the same runs as the commands, from its folder, telling how far it is."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from fks_actors.adapters.jobs.folder import SPEC, JobFolder
from fks_actors.backtest.jobs.asked import file_of, is_file, read_spec, recording
from fks_actors.backtest.jobs.searched import search_spec
from fks_actors.backtest.jobs.spec import JobSpec
from fks_actors.backtest.past import Past, read_past
from fks_actors.backtest.search.go import Crew, hire_here, read_search, search
from fks_actors.backtest.search.space import settings_of
from fks_actors.backtest.search.store import study_folder
from fks_actors.backtest.studies import ALL, checked, measures, study
from fks_actors.backtest.sweep.ports import Spread
from fks_actors.errors import InvariantError
from fks_actors.settings import Settings

SOURCES, DATA, TREE = "sources", "data", "tree.json"
_READ, _DONE = 0.02, 0.98
_HELD = 1

Told = Callable[[float, str], None]
"""Hears how far the job is, 0..1, and what it does."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a job: the document that the command prints with --json, and a page where the kind has one."""

    document: Any
    first_line: str
    summary: dict[str, Any]
    page: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A job in its folder. `home` is FKS_HOME, `folders` hold its recordings."""

    folder: JobFolder
    home: Path
    folders: tuple[Path, ...]
    spec: JobSpec

    @classmethod
    def read(cls, folder: JobFolder, home: Path, folders: tuple[Path, ...]) -> "Job":
        """The job of a folder.

        Raises:
            JobRefused: its spec was damaged.
        """
        return cls(folder, home, folders, read_spec(folder.read(SPEC) or b""))

    def tree(self) -> dict[str, Any]:
        """The settings, uploaded strategies by their files in the folder."""
        tree: dict[str, Any] = msgspec.json.decode(self.folder.read(TREE) or b"{}")
        made = deepcopy(tree)
        for config in made.get("strategies", {}).values():
            if isinstance(config, dict) and config.get("path"):
                config["path"] = self._place(config["path"])
        return made

    def strategy(self) -> str:
        """Who trades, as `study` takes it."""
        return self._place(self.spec.strategy) if is_file(self.spec.strategy) else self.spec.strategy

    def data(self) -> tuple[str, ...]:
        """The recordings, as `read_past` takes them.

        Raises:
            JobRefused: one is there no more.
        """
        found = []
        for at, each in enumerate(self.spec.data):
            uploaded = self.folder.path / DATA / str(at) / each.name
            path = uploaded if uploaded.is_file() else recording(each.name, self.folders, at)
            found.append(f"{each.symbol}={path}" if each.symbol else str(path))
        return tuple(found)

    async def past(self) -> Past:
        """The bars; raises as `read_past`."""
        return await read_past(self.data(), (self.spec.since_ms, self.spec.until_ms), self.spec.warm)

    def _place(self, path: str) -> str:
        """Where an uploaded file lies; the desk's own paths stay as they are."""
        if file_of(path) not in {source.file for source in self.spec.sources}:
            return path
        return str(self.folder.path / SOURCES / path)


async def backtest(job: Job, told: Told) -> Found:
    """A run beside its baselines, as `fks backtest`."""
    from fks_actors.backtest.facts import facts_of_study
    from fks_actors.backtest.report import html

    spec, settings = job.spec, settings_of(job.tree())
    told(0.0, "reading the bars")
    past = await job.past()
    names = ALL if spec.baselines is None else spec.baselines
    steps = _Steps(told, _runs(job, settings, names))
    made = await study(settings, past, strategy=job.strategy(), baselines=names, told=steps.hear)
    made, findings = await checked(made, lag=spec.lag, lookahead=spec.check_lookahead, seed=spec.seed, told=steps.hear)
    told(_DONE, "writing the report")
    document = facts_of_study(made, findings, spec.seed)
    names_shown = ("return", "annual_return", "sharpe", "max_drawdown", "trips", "fills", "equity")
    summary = {name: document["result"][name] for name in names_shown}
    return Found(document, document["first_line"], summary, html(made, seed=spec.seed))


def _runs(job: Job, settings: Settings, names: tuple[str, ...]) -> int:
    from fks_actors.backtest.contenders import COUNCIL, contender

    own = contender(job.strategy() or COUNCIL, settings)
    return 1 + _HELD + len(measures(own, settings, names)) + job.spec.lag + job.spec.check_lookahead


async def optimize(job: Job, told: Told, hire: Crew = hire_here) -> Found:
    """A search, as `fks optimize`; one that was interrupted goes on where it was."""
    from fks_actors.backtest.search.facts import facts

    tree = job.tree()
    spec = search_spec(job.spec, tree, settings_of(tree), job.data(), job.folder.path.name)
    told(0.0, "reading the bars")
    past, planned, settings = await read_search(spec)

    def hear(now: Any) -> None:
        best = "" if now.best is None else f", best {spec.objectives[0]} {now.best:.4g}"
        told(now.blocks / max(now.of_blocks, 1), f"trial {now.trials} of {now.of_trials}{best}")

    begun = study_folder(job.home, spec.study).exists()
    found = search(job.home, spec, past, planned, settings, resume=begun, hire=hire, told=hear)
    document = facts(spec, past, planned, found)
    names = ("study", "tried", "best", "deflated_sharpe", "survives_deflation")
    return Found(document, document["first_line"], {name: document[name] for name in names})


async def sweep(job: Job, told: Told, spread: Spread | None = None) -> Found:
    """Many sets of a rule over the bars of one symbol."""
    from fks_actors.backtest.facts import facts_of
    from fks_actors.backtest.sweep import sweep_past

    asked = job.spec.sweep
    if asked is None:
        raise InvariantError("a sweep without a rule")
    told(0.0, "reading the bars")
    past = await job.past()

    def hear(done: int, total: int) -> None:
        told(done / max(total, 1), f"{done:,} of {total:,} sets")

    found = sweep_past(
        settings_of(job.tree()), past, asked.rule, asked.grid, votes=asked.votes, told=hear, spread=spread
    )
    rows = list(found.rows(asked.top))
    best = found.best
    first_line = found.headline()
    document = {
        "first_line": first_line,
        "rule": found.rule,
        "data": facts_of(past),
        "tried": found.tried,
        "bars": found.bars,
        "cash": found.cash,
        "buy_and_hold": found.hold,
        "deflated_sharpe": None if best is None else best.deflated,
        "sets": rows,
    }
    summary: Mapping[str, Any] = rows[0] if best is not None else {}
    return Found(document, first_line, {"tried": found.tried, **summary})


class _Steps:
    """Several runs in turn as one share."""

    def __init__(self, told: Told, runs: int) -> None:
        self._told = told
        self._runs = runs
        self._names: list[str] = []

    def hear(self, name: str, done: int, total: int) -> None:
        """A run's word (studies.Told)."""
        if name not in self._names:
            self._names.append(name)
        whole = (self._names.index(name) + done / max(total, 1)) / max(self._runs, len(self._names))
        self._told(min(_READ + (_DONE - _READ) * whole, _DONE), f"{name}: {done:,} of {total:,}")
