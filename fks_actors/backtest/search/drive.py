"""The search itself: asks for trials, has their blocks run, and tells what came of them. One process drives.

As many blocks are under way as the workers take. Without a pruner a trial's blocks run side by side; with one, one
after the other, for each decides on the next. With one worker all is in order and follows from the seed.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fks_actors.backtest.metrics import YEAR_MS, Floats
from fks_actors.backtest.past import Past
from fks_actors.backtest.search.objectives import Score, score
from fks_actors.backtest.search.record import record_of
from fks_actors.backtest.search.space import Tree, base_tree, settings_of
from fks_actors.backtest.search.splits import Plan, Range
from fks_actors.backtest.search.store import COMPLETE, FAILED, PRUNED, RUNNING, Store
from fks_actors.backtest.search.trial import Outcome, Refused, Task, run_task
from fks_actors.errors import ConfigError

if TYPE_CHECKING:
    from optuna.trial import Trial


class Workers(Protocol):
    """Who runs blocks. A block is a pure function of its task: one that is lost may be run again."""

    limit: int

    def submit(self, task: Task) -> None:
        """Begin a block, or put it in line."""
        ...

    def next(self) -> tuple[Task, Outcome | Refused]:
        """The next block that is done; waits for it."""
        ...

    def cancel(self) -> None:
        """Give up what is under way."""
        ...


class Here:
    """Runs blocks in this process, one after the other (drive.Workers)."""

    limit = 1

    def __init__(self, past: Past) -> None:
        self._past = past
        self._line: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        """Put in line."""
        self._line.append(task)

    def next(self) -> tuple[Task, Outcome | Refused]:
        """Run the first in line."""
        task = self._line.popleft()
        return task, run_task(self._past, task)

    def cancel(self) -> None:
        """Empty the line."""
        self._line.clear()


@dataclass(frozen=True, slots=True)
class Told:
    """How far a search is: blocks and trials that are done, of how many; `best` of the first objective, so far."""

    blocks: int
    of_blocks: int
    trials: int
    of_trials: int
    best: float | None


@dataclass(slots=True)
class _Open:
    """A trial under way."""

    trial: "Trial"
    key: str
    tree: Tree
    waiting: deque[int]
    running: int = 0
    done: dict[int, Outcome] = field(default_factory=dict)


class Search:
    """One search. `run` it; an interrupted one is another `Search` over the same store."""

    def __init__(
        self, store: Store, past: Past, plan: Plan, workers: Workers, told: Callable[[Told], None] = lambda _: None
    ) -> None:
        self._store, self._past, self._plan, self._workers, self._told = store, past, plan, workers, told
        self._in_turn = store.spec.pruner != "none" and len(store.spec.objectives) == 1
        self._open: dict[int, _Open] = {}
        self._begun = store.count
        kept = [each for each in store.kept() if each.state != RUNNING]
        self._ended, self._blocks = len(kept), len(kept) * len(plan.blocks)
        self._best: float | None = None
        for each in kept:
            self._better(each.told)

    def run(self) -> None:
        """Run until there are as many trials as the spec asks for.

        Raises:
            JournalUnavailable: the disk refused; what was finished is kept.
        """
        try:
            for trial in self._store.interrupted():
                self._begin(trial)
            self._tell_progress()
            while self._fill():
                task, found = self._workers.next()
                held = self._open.get(task.number)
                if held is not None:
                    held.running -= 1
                    self._take(held, task, found)
                    self._tell_progress()
        finally:
            self._workers.cancel()

    def _fill(self) -> bool:
        """Have as much under way as the workers take; whether anything is."""
        while sum(each.running for each in self._open.values()) < self._workers.limit:
            ready = next((each for each in self._open.values() if self._ready(each)), None)
            if ready is not None:
                self._submit(ready)
            elif self._begun < self._store.spec.trials:
                self._begun += 1
                self._begin(self._store.ask())
            else:
                break
        return any(each.running for each in self._open.values())

    def _ready(self, held: _Open) -> bool:
        return bool(held.waiting) and not (self._in_turn and held.running)

    def _submit(self, held: _Open) -> None:
        block = held.waiting.popleft()
        held.running += 1
        bars = self._plan.blocks[block]
        self._workers.submit(Task(held.trial.number, block, bars, self._plan.warm, held.tree))

    def _begin(self, trial: "Trial") -> None:
        spec, number = self._store.spec, trial.number
        values = self._store.values(trial)
        try:
            settings = settings_of(spec.tree, values)
        except ConfigError as error:
            self._end(trial, FAILED, reason=str(error))
            return
        tree = base_tree(settings)
        record = record_of(spec, number, values, settings, tree, self._past, self._plan)
        self._store.note(trial, record)
        held = self._open[number] = _Open(trial, record.settings_sha256, tree, deque())
        for block in range(len(self._plan.blocks)):
            known = self._store.outcome(number, block, held.key)
            if known is None:
                held.waiting.append(block)
            else:
                held.done[block] = known
                self._blocks += 1
        if not held.waiting:
            self._complete(held)

    def _take(self, held: _Open, task: Task, found: Outcome | Refused) -> None:
        if isinstance(found, Refused):
            self._end(held.trial, FAILED, reason=found.reason)
            return
        self._store.save(task.number, task.block, held.key, found)
        held.done[task.block] = found
        self._blocks += 1
        if self._in_turn:
            step = len(held.done) - 1
            so_far = self._score(held, self._plan.blocks)
            value = so_far.value(self._store.spec.objectives[0])
            if self._store.prunes(held.trial, step, value) and held.waiting:
                self._end(held.trial, PRUNED)
                return
        if len(held.done) == len(self._plan.blocks):
            self._complete(held)

    def _complete(self, held: _Open) -> None:
        found = self._score(held, self._plan.tested)
        values = [found.value(name) for name in self._store.spec.objectives]
        self._better(values)
        self._end(held.trial, COMPLETE, values)

    def _end(self, trial: "Trial", state: str, values: Any = (), reason: str = "") -> None:
        self._store.tell(trial, state, values, reason)
        held = self._open.pop(trial.number, None)
        self._blocks += len(self._plan.blocks) - len(held.done if held else ())
        self._ended += 1

    def _score(self, held: _Open, ranges: tuple[Range, ...]) -> Score:
        returns = joined_returns(held.done, self._plan)
        return score(within(returns, self._plan, ranges), a_year(self._past, self._plan))

    def _better(self, values: Any) -> None:
        falls = self._store.spec.objectives[0] == "drawdown"
        if values:
            known = [each for each in (self._best, float(values[0])) if each is not None]
            self._best = min(known) if falls else max(known)

    def _tell_progress(self) -> None:
        spec = self._store.spec
        self._told(Told(self._blocks, spec.trials * len(self._plan.blocks), self._ended, spec.trials, self._best))


def joined_returns(outcomes: Mapping[int, Outcome], plan: Plan) -> Floats:
    """One return a bar over all blocks; NaN in those that were not run."""
    parts = [
        outcomes[at].returns if at in outcomes else np.full(stop - start, np.nan)
        for at, (start, stop) in enumerate(plan.blocks)
    ]
    joined: Floats = np.concatenate(parts)
    return joined


def within(returns: Floats, plan: Plan, ranges: tuple[Range, ...]) -> Floats:
    """The returns of these bars that were run, joined."""
    cut = np.concatenate([returns[start - plan.begin : stop - plan.begin] for start, stop in ranges])
    found: Floats = cut[~np.isnan(cut)]
    return found


def a_year(past: Past, plan: Plan) -> float:
    """How many bars a year has in this recording; its holes count as time."""
    first, last = plan.blocks[0][0], plan.blocks[-1][1]
    spent = int(past.times[last - 1] - past.times[first]) + past.info.interval_ms
    return float((last - first) * YEAR_MS / spent)


def run_here(store: Store, past: Past, plan: Plan, told: Callable[[Told], None] = lambda _: None) -> None:
    """Run a search in this process."""
    Search(store, past, plan, Here(past), told).run()
