"""Long work in this process: how far it is, on standard error, and Ctrl-C, which ends it and says how far it got."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType
from typing import TypeVar

import typer
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from fks_actors.cli.session import EXIT_INTERRUPTED, make_console, say_error

T = TypeVar("T")
Told = Callable[[str, int, int], None]
"""Which part of the work, steps done, steps in all."""


def watched(work: Callable[[Told], Awaitable[T]], silent: bool) -> T:
    """Do the work under a progress bar a part; `silent` shows none.

    The first Ctrl-C (or SIGTERM) ends the work where it next tells how far it is, the second one at once: an exception
    that a signal raises may be lost where Python runs a finaliser just then.

    Raises:
        typer.Exit: 130, it was interrupted.
    """
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=make_console(stderr=True), transient=True, disable=silent) as progress:
        watch = _Watch(progress)
        with _stopping(watch):
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

    if threading.current_thread() is not threading.main_thread():  # where no signal arrives
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
