"""How long a provider that failed is left alone. Time is an argument, in seconds of a clock that never goes back."""

import math

_FIRST_S = 0.5
_BACKOFF_MOST_S = 60.0
_ASKED_MOST_S = 86_400.0


class Cooldown:
    """Doubles with each failure in a row, up to a minute; a provider's own word counts, up to a day.

    Failures of requests that ran side by side count once.
    """

    def __init__(self) -> None:
        self._until_s = -math.inf
        self._failures = 0

    def failed(self, retry_after_s: float, now_s: float) -> None:
        """A request failed."""
        if now_s >= self._until_s:
            self._failures += 1
        pause_s = min(_BACKOFF_MOST_S, _FIRST_S * 2.0 ** min(self._failures - 1, 16))
        if retry_after_s > 0:  # NaN is not
            pause_s = min(_ASKED_MOST_S, retry_after_s)
        self._until_s = max(self._until_s, now_s + pause_s)

    def worked(self) -> None:
        """A request was answered."""
        self._failures = 0
        self._until_s = -math.inf

    def left_s(self, now_s: float) -> float:
        """For how long it is still left alone; 0 where it is not."""
        return max(0.0, self._until_s - now_s)
