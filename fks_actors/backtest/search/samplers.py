"""Optuna's samplers and pruners as this search uses them. The only other place that knows Optuna is `store`.

A sampler is made anew for every trial, seeded by (seed, number): what a trial draws follows from those that had
finished before it, not from the process that asks, so that a search that was interrupted goes on as it would have.
"""

import json
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from fks_actors.backtest.search.space import Axis
from fks_actors.errors import ConfigError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial

SAMPLERS = ("tpe", "random", "grid")
PRUNERS = ("none", "median", "hyperband")
_MOST_GRID = 100_000


def sampler(name: str, seed: int, number: int, axes: Sequence[Axis]) -> "BaseSampler":
    """The sampler of trial `number`.

    Raises:
        ConfigError: a grid needs a step for every range, and fewer points than 100,000.
    """
    from optuna.samplers import RandomSampler, TPESampler

    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    if name == "grid":
        return _at_point(grid_point(axes, number))
    if name == "random":
        return RandomSampler(seed=own)
    return TPESampler(seed=own, constant_liar=True)


def pruner(name: str, blocks: int) -> "BasePruner":
    """The pruner of trials of so many blocks."""
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if name == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=0)
    if name == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=max(blocks, 1), reduction_factor=3)
    return NopPruner()


def draw(trial: "Trial", axis: Axis) -> Any:
    """The axis's value in this trial; the one that was drawn before, if any."""
    drawn = trial._suggest(axis.key, distribution(axis))
    return json.loads(drawn) if axis.choices else axis.plain(drawn)


def distribution(axis: Axis) -> "BaseDistribution":
    """The axis as Optuna knows it. Choices are their JSON text, for they may be lists."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if axis.choices:
        return CategoricalDistribution([json.dumps(each) for each in axis.choices])
    if axis.whole:
        step = 1 if axis.step is None else int(axis.step)
        low = int(axis.low)
        return IntDistribution(low, low + (int(axis.high) - low) // step * step, axis.log, step)
    high = axis.high if axis.step is None else axis.low + _steps(axis) * axis.step
    return FloatDistribution(axis.low, high, axis.log, axis.step)


def grid(axes: Sequence[Axis]) -> dict[str, list[Any]]:
    """Every value of every axis."""
    found: dict[str, list[Any]] = {}
    count = 1
    for axis in axes:
        if axis.choices:
            found[axis.key] = [json.dumps(each) for each in axis.choices]
        else:
            step = axis.step or (1.0 if axis.whole else None)
            if step is None:
                raise ConfigError(f"{axis.key}: a grid needs a step")
            found[axis.key] = [axis.plain(axis.low + at * step) for at in range(_steps(axis, step) + 1)]
        count *= len(found[axis.key])
        if count > _MOST_GRID:
            raise ConfigError(f"the grid has more than {_MOST_GRID} points")
    return found


def points(axes: Sequence[Axis]) -> int:
    """How many points the grid has.

    Raises:
        ConfigError: as `grid`.
    """
    return prod(len(values) for values in grid(axes).values())


def grid_point(axes: Sequence[Axis], number: int) -> dict[str, Any]:
    """The point of trial `number`: the last axis goes round first."""
    found: dict[str, Any] = {}
    for key, values in reversed(grid(axes).items()):
        number, at = divmod(number, len(values))
        found[key] = values[at]
    return found


def _at_point(point: dict[str, Any]) -> "BaseSampler":
    """Optuna's own sampler of grids ends `Study.optimize`, which nobody calls here."""
    from optuna.samplers import RandomSampler

    class AtPoint(RandomSampler):
        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            return point[param_name]

    return AtPoint()


def _steps(axis: Axis, step: float | None = None) -> int:
    return int((axis.high - axis.low) / (step or axis.step or 1.0) + 1e-9)
