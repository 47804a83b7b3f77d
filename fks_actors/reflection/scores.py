"""How well a mind's probabilities fit what happened, and what it weighs for that. Pure.

Probabilities are whole ten-thousandths and all sums are whole numbers: neither the order of the outcomes nor where a
snapshot cuts them changes a bit of a score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum

from fks_actors.reflection.config import ReflectionConfig

ONE = 10_000
"""A probability of 1."""

_BASE = 0.25
"""The Brier score of whoever always says 0.5."""


class Regime(StrEnum):
    """What the market did when a vote was given."""

    SIDEWAYS = "sideways"
    BULL = "bull"
    BEAR = "bear"


REGIMES = tuple(Regime)


@dataclass(slots=True)
class Record:
    """The outcomes of one mind in one regime. `bins`: outcomes, rises and the sum of what was claimed, by claim.

    `squares` is the sum of (claim - outcome)^2 in 1e-8; `covered` how many bars the claims' horizons cover together.
    """

    bins: list[list[int]]
    squares: int = 0
    covered: int = 0

    def add(self, claim: int, rose: bool, covers: int) -> None:
        """Count one outcome of `claim` (ten-thousandths), whose horizon covers `covers` bars that no later one does."""
        cell = self.bins[min(claim * len(self.bins) // ONE, len(self.bins) - 1)]
        cell[0] += 1
        cell[1] += rose
        cell[2] += claim
        self.squares += (claim - ONE * rose) ** 2
        self.covered += covers


@dataclass(frozen=True, slots=True)
class Score:
    """How well one mind's claims fit. `horizon` in bars; `regime` None over all of them.

    `outcomes` were counted, `independent` of them tell something of their own: overlapping horizons tell the same
    move more than once. `brier` = mean (p - y)^2, 0..1, 0.25 for who knows nothing (Brier 1950); `error` = the expected
    calibration error, sum over bins of n_b / n * |share of rises - mean p| (Naeini, Cooper, Hauskrecht 2015), 0..1.
    """

    agent: str
    horizon: int
    regime: Regime | None
    outcomes: int
    independent: float
    brier: float
    error: float

    @property
    def skill(self) -> float:
        """The Brier skill score against who always says 0.5: 1 is perfect, 0 knows nothing, -3 is always wrong."""
        return 1.0 - self.brier / _BASE


def score(agent: str, horizon: int, regime: Regime | None, records: Sequence[Record]) -> Score | None:
    """The score over these records together; None where they hold no outcome."""
    bins = [[sum(part) for part in zip(*cells, strict=True)] for cells in zip(*(r.bins for r in records), strict=True)]
    outcomes = sum(cell[0] for cell in bins)
    if not outcomes:
        return None
    brier = sum(record.squares for record in records) / (outcomes * ONE * ONE)
    error = sum(abs(ONE * rises - claimed) for _, rises, claimed in bins) / (outcomes * ONE)
    covered = sum(record.covered for record in records)
    return Score(agent, horizon, regime, outcomes, covered / horizon, brier, error)


def weights(scores: Sequence[Score], config: ReflectionConfig) -> dict[str, float]:
    """What each mind's vote weighs, by agent, 1 on average; exactly 1 for who has under `min_outcomes`.

    Of the minds with enough independent outcomes n: Z = n / (n + prior_outcomes) is how far its own skill S is
    believed, the rest is the common M = sum(Z * S) / sum(Z) (credibility, Bühlmann and Straub 1970; towards the mean as
    by James and Stein 1961). weight = 1 + gain * Z * (S - M), within least_weight..most_weight, over their mean.
    """
    found = {each.agent: 1.0 for each in scores}
    grown = [each for each in scores if each.independent >= config.min_outcomes]
    if not grown:
        return found
    believed = {each.agent: each.independent / (each.independent + config.prior_outcomes) for each in grown}
    common = fsum(believed[each.agent] * each.skill for each in grown) / fsum(believed.values())
    raw: dict[str, float] = {}
    for each in grown:
        wanted = 1.0 + config.gain * believed[each.agent] * (each.skill - common)
        raw[each.agent] = min(max(wanted, config.least_weight), config.most_weight)
    mean = fsum(raw.values()) / len(raw)
    found.update((agent, weight / mean) for agent, weight in raw.items())
    return found
