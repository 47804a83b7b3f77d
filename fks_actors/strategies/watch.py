"""A limit on how long a strategy may think on one bar, kept from outside: what loops or sleeps is really interrupted.

The watched thread only notes that a bar begins and ends, some 0.1 us a bar. A patrol, a thread that lives while there
are bars, looks every so often whether the same bar still lasts, and raises `Overrun` in its midst: in the main thread
by a signal, which wakes it from a sleep too; in another thread as soon as that executes Python code again.
"""

import ctypes
import signal
import threading
import time
from types import FrameType

_SIGNAL = signal.SIGVTALRM
_PERIODS, _LONGEST_PERIOD_S = 4, 0.25
_IDLE_PERIODS = 8
_set_async_exc = ctypes.pythonapi.PyThreadState_SetAsyncExc


class Overrun(BaseException):
    """Raised in the strategy's own code when a bar took too long. `except Exception` lets it by."""


class Watch:
    """Watches one strategy. Between `enter` and `leave`, which belong into a `try` that catches Overrun, one call.

    Args:
        limit_s: how long that may take; it is noticed up to a quarter later.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._period_s = min(limit_s / _PERIODS, _LONGEST_PERIOD_S)
        self._beat = 0
        self._inside = False
        self._fired = -1
        self._thread = 0
        self._patrol: threading.Thread | None = None
        self._lock = threading.Lock()

    def enter(self) -> None:
        """A bar begins."""
        self._thread = threading.get_ident()
        self._beat += 1
        self._inside = True
        if self._patrol is None:
            self._start()

    def leave(self) -> None:
        """The bar ended. An Overrun that is on its way is raised here, or taken back: none comes later."""
        self._inside = False
        if self._fired == self._beat:
            with self._lock:
                _set_async_exc(ctypes.c_ulong(self._thread), None)

    def _start(self) -> None:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(_SIGNAL) is not _interrupted:
            signal.signal(_SIGNAL, _interrupted)
        self._patrol = threading.Thread(target=self._walk, name="strategy watch", daemon=True)
        self._patrol.start()

    def _walk(self) -> None:
        seen, since_s, idle = -1, 0.0, 0
        while True:
            time.sleep(self._period_s)
            beat, now_s = self._beat, time.monotonic()
            if beat != seen:
                seen, since_s, idle = beat, now_s, 0
            elif self._inside:
                if now_s - since_s >= self.limit_s:
                    self._fire(beat)
            elif (idle := idle + 1) >= _IDLE_PERIODS and self._rests():
                return

    def _rests(self) -> bool:
        """End the patrol where there are no bars; the next one starts another."""
        mine, self._patrol = self._patrol, None
        if self._inside:  # one began just now and may have seen this patrol still there
            self._patrol = mine
            return False
        return True

    def _fire(self, beat: int) -> None:
        self._fired = beat
        with self._lock:
            if not (self._inside and self._beat == beat):
                return
            if self._thread == threading.main_thread().ident and signal.getsignal(_SIGNAL) is _interrupted:
                _FIRING[0] = self
                signal.pthread_kill(self._thread, _SIGNAL)
            else:
                _set_async_exc(ctypes.c_ulong(self._thread), ctypes.py_object(Overrun))

    def overdue(self) -> bool:
        """Whether the bar that lasts now is the one that was found too long."""
        return self._inside and self._fired == self._beat


_FIRING: list[Watch | None] = [None]


def _interrupted(_: int, frame: FrameType | None) -> None:
    watch, _FIRING[0] = _FIRING[0], None
    if watch is not None and watch.overdue():
        raise Overrun
