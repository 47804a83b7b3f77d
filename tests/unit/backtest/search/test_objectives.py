"""Scores of returns, beside the metrics of the same curve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.backtest.metrics import YEAR_MS, Curve, measured
from fks_actors.backtest.search.objectives import directions, parse_objectives, score
from fks_actors.errors import ConfigError

HOUR = 3_600_000


@given(st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=80))
def test_score_when_returns_are_a_curve_then_its_metrics(changes: list[float]) -> None:
    worth = np.concatenate(([1.0], np.cumprod(1.0 + np.array(changes))))
    curve = Curve.build([(at * HOUR, 100.0 * float(each), 0.0) for at, each in enumerate(worth)])
    ours, theirs = score(np.array(changes), YEAR_MS / HOUR), measured(curve, ())
    assert ours.total == pytest.approx(theirs.total or 0.0, abs=1e-9)
    assert ours.drawdown == pytest.approx(theirs.drawdown.depth if theirs.drawdown else 0.0, abs=1e-9)
    assert ours.sharpe == pytest.approx(theirs.sharpe or 0.0, rel=1e-4, abs=1e-6)
    if theirs.calmar is not None and ours.drawdown > 1e-3 and abs(theirs.calmar) < 1e11:
        assert ours.calmar == pytest.approx(theirs.calmar, rel=1e-6, abs=1e-9)


@given(st.lists(st.floats(-1.0, 1e6), max_size=60), st.floats(1.0, 1e6))
def test_score_when_returns_are_wild_then_finite(changes: list[float], a_year: float) -> None:
    found = score(np.array(changes, dtype=np.float64), a_year)
    assert np.isfinite([found.total, found.sharpe, found.calmar, found.drawdown]).all()
    assert 0.0 <= found.drawdown <= 1.0


def test_score_when_nothing_was_traded_then_zero() -> None:
    found = score(np.zeros(50), 8_766.0)
    assert (found.total, found.sharpe, found.calmar, found.drawdown, found.bars) == (0.0, 0.0, 0.0, 0.0, 50)


def test_objectives_when_there_are_several_then_each_has_its_direction() -> None:
    assert directions(parse_objectives("return, drawdown")) == ["maximize", "minimize"]
    found = score(np.array([0.1, -0.5]), 8_766.0)
    assert (found.value("return"), found.value("drawdown")) == (found.total, 0.5)
    assert (found.better("return"), found.better("drawdown")) == (found.total, -0.5)


@pytest.mark.parametrize("text", ["", "profit", "sharpe,sharpe", "drawdown"])
def test_objectives_when_one_cannot_steer_then_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--objective"):
        parse_objectives(text)
