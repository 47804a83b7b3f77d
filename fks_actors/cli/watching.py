"""Long work in this process: how far it is, on standard error, and Ctrl-C, which ends it and says how far it got."""

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType
from typing import TypeVar

import typer
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from fks_actors.cli.session import EXIT_INTERRUPTED, make_console, say_error

T = TypeVar("T")
_PATIENCE_S, _AGAIN_S = 1.0, 0.5

Told = Callable[[str, int, int], None]
"""Which part of the work, steps done, steps in all."""


def watched(work: Callable[[Told], Awaitable[T]], silent: bool) -> T:
    """Do the work under a progress bar a part; `silent` shows none. What the work prints goes to standard error.

    Ctrl-C (or SIGTERM) ends the work where it next tells how far it is, and where that takes a second, wherever it is:
    asked again and again, for an exception that a signal raises is lost where Python runs a finaliser just then.

    Raises:
        typer.Exit: 130, it was interrupted.
    """
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    console = make_console(stderr=True)
    hidden = silent or not console.is_terminal  # where it would be a blank line
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        watch = _Watch(progress)
        with _stopping(watch), contextlib.redirect_stdout(sys.stderr):
            found = asyncio.run(watch.do(work))
    if isinstance(found, _Stopped):
        say_error(f"interrupted: {watch.how_far()}; nothing was written")
        raise typer.Exit(EXIT_INTERRUPTED)
    return found


class _Stopped:
    """The work was interrupted."""


class _Watch:
    def __init__(self, progress: Progress) -> None:
        self.stopped = False
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._last = ("", 0, 0)

    async def do(self, work: Callable[[Told], Awaitable[T]]) -> T | _Stopped:
        """Caught in here: asyncio would log an interrupt that ends a task as one that nobody asked for."""
        try:
            return await work(self.told)
        except KeyboardInterrupt:
            if self.stopped:
                signal.setitimer(signal.ITIMER_REAL, 0.0)
            return _Stopped()

    def told(self, part: str, done: int, total: int) -> None:
        if part not in self._tasks:
            self._tasks[part] = self._progress.add_task(part, total=total)
        self._progress.update(self._tasks[part], completed=done, total=total)
        self._last = part, done, total
        if self.stopped:
            raise KeyboardInterrupt

    def how_far(self) -> str:
        part, done, total = self._last
        return f"{part} was at bar {done:,} of {total:,}" if part else "before the first bar"


@contextlib.contextmanager
def _stopping(watch: _Watch) -> Iterator[None]:
    def stop(_: int, __: FrameType | None) -> None:
        if watch.stopped:
            raise KeyboardInterrupt
        watch.stopped = True
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE_S, _AGAIN_S)

    def insist(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # where no signal arrives
        yield
        return
    handlers = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGALRM: insist}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        for number, handler in before.items():
            signal.signal(number, handler)
