"""The process that does one job: `python -m fks_actors.actors.jobs.process FOLDER`, the entrypoint of a Ray job.

It runs at low priority, within a bound of memory, without the desk's secrets in its environment: a strategy is somebody
else's program. Its word on how it ended, `outcome.json`, is the last thing that it writes; SIGTERM ends it in order.
"""

import asyncio
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from fks_actors.adapters.jobs.folder import (
    LOG,
    OUTCOME,
    PROGRESS,
    RECORD,
    REPORT,
    RESULT,
    JobFolder,
    Outcome,
    Progress,
    Record,
    State,
)
from fks_actors.adapters.jobs.redact import redacted
from fks_actors.errors import FksError

LIMITS = "limits.json"
MARK = "FKS_JOB"
KEPT = (
    "FKS_CLUSTER_ID",
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
)
"""The variables of the environment that a job sees, beside those of Ray and of the arithmetic's libraries. By the first
one `fks down` knows the process."""

_KEPT_KINDS = ("RAY_", "OPENBLAS_", "OMP_", "MKL_")

_MIB = 2**20
_TELL_S = 0.25
_LOG_MIB, _FILE_MIB = 8, 512
_LOG_END_S = 2.0
_ERROR_CHARS = 2_000


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the process may take, and where it finds what. `namespace` is the desk's in the cluster."""

    home: str
    folders: tuple[str, ...]
    namespace: str
    workers: int
    nice: int
    memory_mb: int


class Cancelled(BaseException):
    """Somebody wants the end of the job. No strategy that catches `Exception` catches it."""


def main(argv: list[str]) -> int:
    """Do the job of a folder; 0 where it came to an end that it could write down."""
    if os.environ.get(MARK) != "1":
        os.execve(sys.executable, [sys.executable, "-P", "-m", __spec__.name, *argv], _bare(os.environ))  # noqa: S606
    folder = JobFolder(Path(argv[0]))
    limits, record = folder.get(LIMITS, Limits), folder.get(RECORD, Record)
    if limits is None or record is None or record.state.is_end:
        return 2
    _restrain(limits)
    signal.signal(signal.SIGTERM, _cancel)
    with folder.held():
        with _logged(folder):
            outcome = _done(folder, limits)
        folder.put(OUTCOME, outcome)
    return 0


def _done(folder: JobFolder, limits: Limits) -> Outcome:
    teller = _Teller(folder)
    try:
        found = asyncio.run(_work(folder, limits, teller.hear))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        folder.write(RESULT, json.dumps(found.document, indent=2, default=str).encode())
        if found.page:
            folder.write(REPORT, found.page.encode())
        return Outcome(state=State.DONE, first_line=found.first_line, summary=found.summary)
    except Cancelled:
        return Outcome(state=State.CANCELLED)
    except MemoryError:
        told = f"it needed more than {limits.memory_mb} MiB; jobs.memory_mb allows no more"
        return Outcome(state=State.FAILED, error=told)
    except FksError as error:
        return Outcome(state=State.FAILED, error=_told(str(error), folder))
    except Exception as error:  # noqa: BLE001 (a stranger's program: whatever it is, it is told)
        sys.excepthook(type(error), error, error.__traceback__)
        return Outcome(state=State.FAILED, error=_told(f"{type(error).__name__}: {error}", folder))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


async def _work(folder: JobFolder, limits: Limits, told: Callable[[float, str], None]) -> Any:
    """What came of it. Caught in here: asyncio would log an end that a signal asked for."""
    from fks_actors.backtest.jobs import work

    job = work.Job.read(folder, Path(limits.home), tuple(Path(each) for each in limits.folders))
    if job.spec.kind == "backtest":
        return await work.backtest(job, told)
    if not limits.workers:
        return await (work.optimize(job, told) if job.spec.kind == "optimize" else work.sweep(job, told))
    _join(limits)
    if job.spec.kind == "optimize":
        from fks_actors.actors.trials import ray_workers

        return await work.optimize(job, told, lambda past: ray_workers(past, limits.workers, limits.nice))
    from fks_actors.actors.sweeping import over_cluster

    return await work.sweep(job, told, over_cluster(limits.workers, nice=limits.nice))


def _join(limits: Limits) -> None:
    import ray

    ray.init(address="auto", namespace=limits.namespace, log_to_driver=False, logging_level="ERROR")
    signal.signal(signal.SIGTERM, _cancel)  # Ray's own would end the process on the spot


_cancelled = threading.Event()


def _cancel(_: int, __: FrameType | None) -> None:
    """An exception that a signal raises is lost where Python runs a finaliser just then: the next word raises it."""
    _cancelled.set()
    raise Cancelled


def _bare(environ: Any) -> dict[str, str]:
    """The environment without what only the desk should know."""
    kept = {name: value for name, value in environ.items() if name in KEPT or name.startswith(_KEPT_KINDS)}
    kept.pop("RAY_AUTH_TOKEN", None)
    one = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**kept, **one, MARK: "1", "PYTHONUNBUFFERED": "1"}


def _restrain(limits: Limits) -> None:
    os.umask(0o077)
    os.setpriority(os.PRIO_PROCESS, 0, limits.nice)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    for kind, size in ((resource.RLIMIT_DATA, limits.memory_mb), (resource.RLIMIT_FSIZE, _FILE_MIB)):
        resource.setrlimit(kind, (size * _MIB, size * _MIB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def _logged(folder: JobFolder) -> Iterator[None]:
    """Whatever is printed goes into the log, which never grows beyond its bound: it begins anew."""
    log = os.open(folder.path / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    outlet, inlet = os.pipe()

    def copy() -> None:
        while piece := os.read(outlet, 65_536):
            if os.fstat(log).st_size > _LOG_MIB * _MIB:
                os.ftruncate(log, 0)
                os.write(log, b"(it printed more than 8 MiB; what follows is the end)\n")
            with suppress(OSError):  # a full disk is no reason to stop
                os.write(log, piece)

    thread = threading.Thread(target=copy, name="log", daemon=True)
    thread.start()
    for stream in (1, 2):
        os.dup2(inlet, stream)
    os.close(inlet)
    try:
        yield
    finally:
        sys.stdout.flush()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        thread.join(_LOG_END_S)


class _Teller:
    """Writes how far the job is, a few times a second at most."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._next_s = 0.0

    def hear(self, share: float, doing: str) -> None:
        """Take note.

        Raises:
            Cancelled: somebody asked for the end.
        """
        if _cancelled.is_set():
            raise Cancelled
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + _TELL_S
        with suppress(FksError):  # a full disk ends the job where it writes what it found
            self._folder.put(PROGRESS, Progress(round(share, 4), doing[:200]))


def _told(text: str, folder: JobFolder) -> str:
    """An error without the places of this machine."""
    return redacted(text.replace(f"{folder.path}/sources/", "").replace(f"{folder.path}/data/", ""))[:_ERROR_CHARS]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
