"""From what an optimisation was told to the search that does it."""

from pathlib import Path

from fks_actors.backtest.jobs.spec import JobSpec, SearchTold
from fks_actors.backtest.search.record import SearchSpec
from fks_actors.backtest.search.space import Axis, Tree, axis, joined
from fks_actors.errors import ConfigError
from fks_actors.settings import Settings


def axes_of(told: SearchTold, settings: Settings) -> tuple[Axis, ...]:
    """The axes of a search's space.

    Raises:
        ConfigError: which key, and what is wrong.
    """
    return joined([axis(key, given, settings, "space") for key, given in told.space.items()])


def search_spec(spec: JobSpec, tree: Tree, settings: Settings, data: tuple[str, ...], study: str) -> SearchSpec:
    """The search, over these files, under the settings of `tree`, kept as the study of that name.

    Raises:
        ConfigError: as `axes_of`, or the job is none.
    """
    if spec.search is None:
        raise ConfigError(f"{Path(study).name} is no optimisation")
    told = spec.search
    return SearchSpec(
        study=study,
        data=data,
        tree=tree,
        axes=axes_of(told, settings),
        objectives=told.objectives,
        cv=told.cv,
        trials=told.trials,
        seed=spec.seed,
        warm=spec.warm,
        since_ms=spec.since_ms,
        until_ms=spec.until_ms,
        sampler=told.sampler,
        pruner=told.pruner,
    )
