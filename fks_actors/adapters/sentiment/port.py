"""What scores a text: a model that says how likely it is negative, neutral and positive."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Score:
    """Three probabilities that sum to 1."""

    p_negative: float
    p_neutral: float
    p_positive: float

    @property
    def value(self) -> float:
        """-1 (negative) to 1 (positive): the difference of the two probabilities."""
        return self.p_positive - self.p_negative


class SentimentModel(Protocol):
    """Scores texts. May take long and holds the thread: call it beside the event loop, one call at a time."""

    @property
    def name(self) -> str:
        """Names the model and its version: scores of two names are not the same scores."""
        ...

    def score(self, texts: Sequence[str]) -> list[Score]:
        """One score a text, in their order."""
        ...
