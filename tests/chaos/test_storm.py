"""A short storm: every kind of harm once, over real processes. `make chaos` has the long one."""

import os
import random

import pytest

from tests.chaos.storm import ACTORS, FAULTS, Storm, storm

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]


def test_storm_when_everything_that_can_dies_or_lies_then_ledger_and_journal_agree(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The seed is told; FKS_CHAOS_SEED=N has the same storm again."""
    seed = int(os.environ.get("FKS_CHAOS_SEED") or random.randrange(100_000))
    said: list[str] = []
    verdict, harm = storm(Storm(signals=400, seed=seed, every_s=2.0, rate=8.0, say=said.append))
    told = "\n".join((f"FKS_CHAOS_SEED={seed}", *said, str(verdict)))
    with capsys.disabled():
        print(f"\nstorm, seed {seed}: {str(verdict).splitlines()[0]}")  # noqa: T201
    assert not verdict.faults, told
    assert set(harm.kills) == set(ACTORS), told
    assert set(harm.faults) >= set(FAULTS), told
    assert verdict.orders > 100, told
    assert verdict.fills > 100, told
