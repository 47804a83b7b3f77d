"""A study on disk: FKS_HOME/studies/NAME. Only the process that drives the search writes; workers return values.

study.db     Optuna's trials, in SQLite (WAL): a commit is whole or not there, whatever kills the writer
outcomes/    a file a block of a trial, written whole or not at all before the trial is told; it names the settings that
             it is of, so that it counts for no other trial where a power cut took the last commits back
lock         held while the search runs; let go of by the kernel, however it ends

A trial that was running when its driver died is asked for again under its own number and with its own values, and only
the blocks that have no file are run. Nothing that finished is lost or done twice.
"""

import contextlib
import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from fks_actors.backtest.search.objectives import directions
from fks_actors.backtest.search.record import SearchSpec, TrialRecord
from fks_actors.backtest.search.samplers import draw, pruner, sampler
from fks_actors.backtest.search.trial import Outcome
from fks_actors.errors import AlreadyRunning, ConfigError, DataError, JournalCorrupt, JournalUnavailable

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_SPEC, _DATA, _RECORD, _REASON = "spec", "data", "record", "reason"
COMPLETE, PRUNED, FAILED, RUNNING = "complete", "pruned", "failed", "running"


class _File(msgspec.Struct, frozen=True):
    key: str
    outcome: Outcome


class Kept(msgspec.Struct, frozen=True):
    """A trial as it was kept: its `state`, what it was `told`, why it failed, and its settings' digest, `key`."""

    number: int
    state: str
    values: dict[str, Any]
    told: tuple[float, ...] = ()
    reason: str = ""
    key: str = ""


def study_folder(home: Path, name: str) -> Path:
    """Where a study lies.

    Raises:
        ConfigError: no file can be called so.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"--study {name!r}: use up to 64 of A-Z, a-z, 0-9, _, - and .")
    return home / "studies" / name


class Store:
    """One study. Open it with `create` or `reopen`, and close it."""

    def __init__(self, folder: Path, spec: SearchSpec, study: Any, blocks: int = 1) -> None:
        self.folder = folder
        self.spec = spec
        self._study = study
        self._study.pruner = pruner(spec.pruner, blocks)

    @classmethod
    def create(cls, folder: Path, spec: SearchSpec, blocks: int) -> Self:
        """A new study.

        Raises:
            ConfigError: there is one of this name.
            JournalUnavailable: the disk refused.
        """
        if (folder / "study.db").exists() and _study_of(folder) is not None:
            raise ConfigError(f"the study {spec.study} is there: go on with --resume, or choose another --study")
        with storing(folder):
            (folder / "outcomes").mkdir(mode=0o700, parents=True, exist_ok=True)
            optuna = _optuna()
            study = optuna.create_study(
                storage=_storage(folder), study_name=spec.study, directions=directions(spec.objectives)
            )
            study.set_user_attr(_SPEC, msgspec.to_builtins(spec))
        return cls(folder, spec, study, blocks)

    @classmethod
    def reopen(cls, folder: Path, spec: SearchSpec | None = None, blocks: int = 1) -> Self:
        """A study that is there; `spec` may ask for more trials and for nothing else.

        Raises:
            ConfigError: there is none, or it searches something else.
            JournalCorrupt: its file is none of ours.
        """
        study = _study_of(folder)
        if study is None:
            raise ConfigError(f"there is no study {folder.name} in {folder.parent}")
        kept = msgspec.convert(study.user_attrs[_SPEC], SearchSpec)
        if spec is not None and (others := spec.differs(kept)):
            raise ConfigError(
                f"the study {kept.study} was begun with other {', '.join(others)}; resume it with what it was begun "
                "with (or without options), or choose another --study"
            )
        return cls(folder, spec or kept, study, blocks)

    def sees(self, data_sha256: Mapping[str, str]) -> None:
        """Take note of the bars' digests, at first; later see whether they are the same.

        Raises:
            DataError: they are not.
        """
        with storing(self.folder):
            known = self._study.user_attrs.get(_DATA)
            if known is None:
                self._study.set_user_attr(_DATA, dict(data_sha256))
            elif known != dict(data_sha256):
                raise DataError(
                    f"the bars are not those that the study {self.spec.study} was begun with: a file of "
                    f"{', '.join(self.spec.data)} has changed; choose another --study"
                )

    def close(self) -> None:
        """Let go of the file."""
        self._study._storage._backend.engine.dispose()

    @property
    def count(self) -> int:
        """Trials that were begun."""
        return len(self._trials())

    def interrupted(self) -> "list[Trial]":
        """Trials that were neither finished nor given up, in their order."""
        from optuna.trial import Trial, TrialState

        return [Trial(self._study, t._trial_id) for t in self._trials() if t.state is TrialState.RUNNING]

    def ask(self) -> "Trial":
        """A new trial.

        Raises:
            JournalUnavailable: the disk refused.
        """
        with storing(self.folder):
            self._seed(self.count)
            trial: Trial = self._study.ask()
            return trial

    def values(self, trial: "Trial") -> dict[str, Any]:
        """The trial's values by key; those that it has stay."""
        with storing(self.folder):
            self._seed(trial.number)
            return {axis.key: draw(trial, axis) for axis in self.spec.axes}

    def _seed(self, number: int) -> None:
        self._study.sampler = sampler(self.spec.sampler, self.spec.seed, number, self.spec.axes)

    def note(self, trial: "Trial", record: TrialRecord) -> None:
        """Keep the record that makes the trial again."""
        with storing(self.folder):
            trial.set_user_attr(_RECORD, msgspec.to_builtins(record))

    def prunes(self, trial: "Trial", step: int, value: float) -> bool:
        """Tell an intermediate value; whether the trial is to be given up."""
        with storing(self.folder):
            if step not in trial.storage.get_trial(trial._trial_id).intermediate_values:
                trial.report(value, step)
            return bool(trial.should_prune())

    def tell(self, trial: "Trial", state: str, values: Sequence[float] = (), reason: str = "") -> None:
        """End a trial."""
        from optuna.trial import TrialState

        states = {COMPLETE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}
        with storing(self.folder):
            if reason:
                trial.set_user_attr(_REASON, reason)
            self._study.tell(trial, list(values) if state == COMPLETE else None, states[state])

    def save(self, number: int, block: int, key: str, found: Outcome) -> None:
        """Keep what came of a block of the trial whose settings' digest is `key`, whole or not at all.

        Raises:
            JournalUnavailable: the disk refused.
        """
        path = self._path(number, block)
        partial = path.with_suffix(".part")
        with storing(self.folder):
            with partial.open("wb") as file:
                file.write(msgspec.msgpack.encode(_File(key, found)))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)

    def outcome(self, number: int, block: int, key: str) -> Outcome | None:
        """What came of a block, if it was run with these settings.

        Raises:
            JournalCorrupt: the file is damaged.
        """
        try:
            held = msgspec.msgpack.decode(self._path(number, block).read_bytes(), type=_File)
            return held.outcome if held.key == key else None
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise JournalCorrupt(f"{self._path(number, block)} cannot be read: {error}; remove it and resume") from None

    def kept(self) -> list[Kept]:
        """Every trial, in order."""
        return [_kept(trial) for trial in self._trials()]

    def record(self, number: int) -> TrialRecord:
        """What makes a trial again.

        Raises:
            ConfigError: there is no such trial, or it was refused before it ran.
        """
        trials = self._trials()
        if not 0 <= number < len(trials):
            raise ConfigError(f"the study {self.spec.study} has no trial {number}; it has {len(trials)}, from 0 on")
        found = trials[number].user_attrs.get(_RECORD)
        if found is None:
            why = trials[number].user_attrs.get(_REASON, "it never ran")
            raise ConfigError(f"trial {self.spec.study}/{number} was refused: {why}")
        return msgspec.convert(found, TrialRecord)

    def _trials(self) -> "list[FrozenTrial]":
        with storing(self.folder):
            return list(self._study.get_trials(deepcopy=False))

    def _path(self, number: int, block: int) -> Path:
        return self.folder / "outcomes" / f"{number:06d}-{block:04d}.bin"


def find_trial(home: Path, name: str) -> TrialRecord:
    """The record of STUDY/NUMBER.

    Raises:
        ConfigError: it is not there.
    """
    study, _, number = name.rpartition("/")
    if not study or not number.isdecimal():
        raise ConfigError(f"{name}: write STUDY/NUMBER")
    store = Store.reopen(study_folder(home, study))
    try:
        return store.record(int(number))
    finally:
        store.close()


@contextlib.contextmanager
def driving(folder: Path) -> Iterator[None]:
    """Hold a study while its search runs.

    Raises:
        AlreadyRunning: another process runs it.
        JournalUnavailable: the disk refused.
    """
    with contextlib.ExitStack() as stack:
        with storing(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = stack.enter_context((folder / "lock").open("w", encoding="utf-8"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(f"another process runs the study {folder.name}; wait for it") from None
        yield


@contextlib.contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Say what to do where the disk refuses.

    Raises:
        JournalUnavailable: it did.
    """
    try:
        yield
    except Exception as error:
        cause = _refusal(error)
        if cause is None:
            raise
        raise JournalUnavailable(
            f"{folder} cannot be written: {cause}; free disk space, then go on with --resume: what was finished is kept"
        ) from error


def _refusal(error: BaseException | None) -> str | None:
    """What the disk or the database refused, if that is why."""
    while error is not None:
        if isinstance(error, sqlite3.OperationalError):
            return str(error)
        if isinstance(error, OSError):
            return error.strerror or str(error)
        error = error.__cause__
    return None


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _kept(trial: "FrozenTrial") -> Kept:
    states = {"COMPLETE": COMPLETE, "PRUNED": PRUNED, "FAIL": FAILED}
    attrs = trial.user_attrs
    values = attrs.get(_RECORD, {}).get("values", {}) or dict(trial.params)
    told = tuple(trial.values or ()) if trial.state.name == "COMPLETE" else ()
    key = attrs.get(_RECORD, {}).get("settings_sha256", "")
    return Kept(trial.number, states.get(trial.state.name, RUNNING), values, told, attrs.get(_REASON, ""), key)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise ConfigError("optimising needs Optuna: pip install 'fks-actors[research]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _storage(folder: Path) -> Any:
    path = (folder / "study.db").absolute()

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    return _optuna().storages.RDBStorage(f"sqlite:///{path}", engine_kwargs={"creator": connect})


def _study_of(folder: Path) -> Any:
    """The study of a folder; None where none was begun."""
    if not (folder / "study.db").exists():
        return None
    optuna = _optuna()
    try:
        with storing(folder):
            study = optuna.load_study(study_name=folder.name, storage=_storage(folder))
    except KeyError:
        return None
    except JournalUnavailable:
        raise
    except Exception as error:
        raise JournalCorrupt(f"{folder / 'study.db'} is no study that can be read: {_first_line(error)}") from error
    return study if _SPEC in study.user_attrs else None
