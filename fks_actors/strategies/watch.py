"""A limit on how long a strategy may think on one bar, kept from outside: what loops or sleeps is really interrupted.

The watched thread only notes which bar it works on, two stores a bar. A patrol, a thread that lives while there are
bars, looks every so often whether it is still the same one, and raises `Overrun` in its midst: in the main thread by a
signal, which wakes it from a sleep too; in another thread as soon as that executes Python code again.
"""

import ctypes
import signal
import threading
import time
from types import FrameType

_SIGNAL = signal.SIGVTALRM
_PERIODS, _LONGEST_PERIOD_S = 4, 0.25
_IDLE_PERIODS = 8
_SOON = 10_000
_set_async_exc = ctypes.pythonapi.PyThreadState_SetAsyncExc


class Overrun(BaseException):
    """Raised in the strategy's own code when a bar took too long. `except Exception` lets it by."""


class Watch:
    """Watches one strategy, which works on one bar at a time, whatever thread that is in.

    Whoever shows it a bar sets `thread`, then `bar`; calls `start` where there is no `patrol`; and in the end sets
    `bar` to None, and calls `take_back` where it is the bar that was `fired` at: all within a `try` that catches
    Overrun. This is no context manager because it is in the path of every bar.

    Args:
        limit_s: how long a bar may take; it is noticed up to a quarter later.
    """

    __slots__ = ("_lock", "_period_s", "bar", "fired", "limit_s", "patrol", "thread")

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.bar: object = None
        """What is worked on now; no two bars in a row are the same object."""
        self.fired: object = None
        """The last bar that was found too long."""
        self.thread = 0
        self.patrol: threading.Thread | None = None
        self._period_s = min(limit_s / _PERIODS, _LONGEST_PERIOD_S)
        self._lock = threading.Lock()

    def start(self) -> None:
        """Send a patrol."""
        if threading.current_thread() is threading.main_thread() and signal.getsignal(_SIGNAL) is not _interrupted:
            signal.signal(_SIGNAL, _interrupted)
        self.patrol = threading.Thread(target=self._walk, name="strategy watch", daemon=True)
        self.patrol.start()

    def take_back(self) -> None:
        """An Overrun that is on its way is raised here or never.

        One is raised in any case: to cancel it would leave CPython 3.11 looking out for it at every instruction, for
        ever; and a profiler would never come past the next call.
        """
        try:
            with self._lock:
                _set_async_exc(ctypes.c_ulong(threading.get_ident()), ctypes.py_object(Overrun))
            for _ in range(_SOON):
                pass
        except Overrun:
            return

    def _walk(self) -> None:
        seen: object = None
        since_s, idle = 0.0, 0
        while True:
            time.sleep(self._period_s)
            bar, now_s = self.bar, time.monotonic()
            if bar is not seen:
                seen, since_s, idle = bar, now_s, 0
            elif bar is not None:
                if now_s - since_s >= self.limit_s:
                    self._fire(bar)
            elif (idle := idle + 1) >= _IDLE_PERIODS and self._rests():
                return

    def _rests(self) -> bool:
        """End the patrol where there are no bars; the next one sends another."""
        mine, self.patrol = self.patrol, None
        if self.bar is not None:  # one began just now and may have seen this patrol still there
            self.patrol = mine
            return False
        return True

    def _fire(self, bar: object) -> None:
        self.fired = bar
        with self._lock:
            if self.bar is not bar:
                return
            if self.thread == threading.main_thread().ident and signal.getsignal(_SIGNAL) is _interrupted:
                _FIRING[0] = self
                signal.pthread_kill(self.thread, _SIGNAL)
            else:
                _set_async_exc(ctypes.c_ulong(self.thread), ctypes.py_object(Overrun))


_FIRING: list[Watch | None] = [None]


def _interrupted(_: int, frame: FrameType | None) -> None:
    watch, _FIRING[0] = _FIRING[0], None
    if watch is not None and watch.bar is not None and watch.bar is watch.fired:
        raise Overrun
