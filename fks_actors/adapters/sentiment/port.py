"""What a sentiment model is: texts in, bounded numbers out.

A text is untrusted: whatever it holds, a model answers with probabilities and never raises for it. Implementations are
synchronous and batched; a caller on an event loop runs `score` in a thread, one call at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

TEXT_LIMIT = 2_000
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Score:
    """How a text reads: three probabilities that add up to 1.

    Raises:
        ValueError: they are not in 0..1, or do not add up.
    """

    p_negative: float
    p_neutral: float
    p_positive: float

    def __post_init__(self) -> None:
        parts = (self.p_negative, self.p_neutral, self.p_positive)
        if not all(0.0 <= part <= 1.0 for part in parts) or abs(sum(parts) - 1.0) > _SLACK:
            raise ValueError(f"no probabilities: {parts}")

    @property
    def value(self) -> float:
        """-1 (negative) .. 1 (positive)."""
        return self.p_positive - self.p_negative

    @classmethod
    def of(cls, weights: Sequence[float]) -> Self:
        """The score of three weights (negative, neutral, positive), each finite and >= 0; all-zero ones are neutral."""
        negative, neutral, positive = (max(0.0, float(weight)) for weight in weights)
        total = negative + neutral + positive
        if total <= 0.0:
            return cls(0.0, 1.0, 0.0)
        return cls(negative / total, neutral / total, positive / total)


class SentimentModel(Protocol):
    """A model that scores texts.

    Contract, held over every implementation by tests/unit/adapters/sentiment/contract.py:
        - one score a text, in the order of the texts; none for none;
        - a text's score does not depend on its neighbours in the batch (int8 models: within 0.1 of each part);
        - no text raises: empty, a megabyte, control characters, lone surrogates; only its first 2,000 characters count.
    """

    @property
    def name(self) -> str:
        """Which model, for the journal: kind and version."""
        ...

    def score(self, texts: Sequence[str]) -> list[Score]:
        """A score for each text, in order."""
        ...
