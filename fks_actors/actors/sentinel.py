"""The dead man's switch on the feed: how long a feed that is listened to has told nothing.

Only listening counts. While the desk itself is held up (the journal is down, a replayed backlog is worked through, the
machine slept) nobody can tell whether the feed is silent. An operator who resumes begins a new count.
"""

import time
from collections.abc import Callable

_LONGEST_LOOK_S = 2.0


class Sentinel:
    """Counts silence.

    Args:
        limit_s: how much of it is too much; 0: never.
        clock: monotonic seconds.
    """

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit_s = limit_s
        self.silent_s = 0.0
        self._clock = clock
        self._looked_s = clock()
        self._listening = False

    def listen(self, now: bool) -> None:
        """The feed is being asked, from now on or no longer."""
        self._listening = now

    def heard(self) -> None:
        """A bar came, or somebody took charge."""
        self.silent_s = 0.0

    def look(self) -> bool:
        """Count the time since the last look; whether the feed was silent for too long.

        A look that comes late says nothing about the time before it: it counts for two seconds at most.
        """
        now = self._clock()
        since_s, self._looked_s = now - self._looked_s, now
        if self._listening:
            self.silent_s += min(since_s, _LONGEST_LOOK_S)
        return 0 < self.limit_s < self.silent_s
