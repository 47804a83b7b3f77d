"""One search from a message: read the bars, open the study, run what is missing, judge."""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

import msgspec

from fks_actors.backtest.past import Past, read_past
from fks_actors.backtest.search.drive import Here, Search, Told, Workers
from fks_actors.backtest.search.findings import Findings, findings
from fks_actors.backtest.search.record import SearchSpec, data_sha256
from fks_actors.backtest.search.samplers import points
from fks_actors.backtest.search.space import settings_of
from fks_actors.backtest.search.splits import Plan, parse_cv, plan
from fks_actors.backtest.search.store import Store, driving, study_folder
from fks_actors.settings import Settings

Crew = Callable[[Past], AbstractContextManager[Workers]]
"""Opens whoever runs the blocks of a recording."""


def hire_here(past: Past) -> AbstractContextManager[Workers]:
    """This process alone (Crew)."""
    return nullcontext(Here(past))


async def read_search(spec: SearchSpec) -> tuple[Past, Plan, Settings]:
    """The bars, the plan, and the settings that the trials change.

    Raises:
        ConfigError, DataFileError, DataError: what is wrong.
    """
    settings = settings_of(spec.tree)
    past = await read_past(spec.data, (spec.since_ms, spec.until_ms), spec.warm)
    return past, plan(parse_cv(spec.cv), past.begin, past.end, spec.warm, _horizon(spec, settings)), settings


def _horizon(spec: SearchSpec, settings: Settings) -> int:
    """The longest look ahead of any mind that a trial may have."""
    minds = set(settings.agents.minds)
    for axis in spec.axes:
        if axis.key == "agents.minds":
            minds.update(*axis.choices)
    return max((bars for mind, bars in settings.reflection.horizons.items() if mind in minds), default=0)


def search(
    home: Path,
    spec: SearchSpec,
    past: Past,
    planned: Plan,
    settings: Settings,
    *,
    resume: bool = False,
    hire: Crew = hire_here,
    told: Callable[[Told], None] = lambda _: None,
) -> Findings:
    """Run a study to as many trials as the spec asks for, and judge it.

    Args:
        home: FKS_HOME.
        resume: go on with a study of this name; else there must be none.
        hire: who runs the blocks.
        told: hears of progress.

    Raises:
        ConfigError: the study is there, or is not, or searches something else.
        DataError: its bars are not those that it was begun with.
        AlreadyRunning: another process runs it.
        JournalUnavailable: the disk refused; what was finished is kept.
    """
    if spec.sampler == "grid":
        spec = msgspec.structs.replace(spec, trials=min(spec.trials, points(spec.axes)))
    folder = study_folder(home, spec.study)
    if resume:
        Store.reopen(folder, spec).close()
    with driving(folder):
        opened = (Store.reopen if resume else Store.create)(folder, spec, len(planned.blocks))
        with closing(opened) as store:
            store.sees(data_sha256(past))
            with hire(past) as workers:
                Search(store, past, planned, workers, told).run()
            return findings(store, past, planned, settings)
