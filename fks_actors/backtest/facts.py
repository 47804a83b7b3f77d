"""What a run came to, as plain values for scripts, jobs and the printed tables (docs/backtesting.md)."""

from typing import TYPE_CHECKING, Any

from fks_actors.backtest.baselines import Baseline, standing
from fks_actors.backtest.metrics import Curve, measured
from fks_actors.backtest.past import Past
from fks_actors.backtest.significance import Interval
from fks_actors.backtest.studies import as_baseline, hold_of
from fks_actors.backtest.study import Study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fks_actors.backtest.honesty import Finding

LEVEL = 0.95
"""The confidence of the return's interval."""

LAG, LOOK_AHEAD = "lag", "look_ahead"
"""The checks that a study may come with."""

_DAY_MS = 86_400_000


def facts_of_study(found: Study, findings: "Sequence[Finding]", seed: int) -> dict[str, Any]:
    """One run beside its baselines, and what its checks found; `report` is where a report lies, None here."""
    own, hold = as_baseline(found.title, found.result), hold_of(found)
    stands = standing(found.result, hold)
    interval = _interval(own.curve, seed)
    return {
        "first_line": found.first_line,
        "beats_flat": stands.beats_flat,
        "beats_buy_and_hold": stands.beats_hold,
        "data": facts_of(found.past),
        "result": {
            **figures(own),
            "bars": found.result.bars,
            "orders": len(found.result.orders),
            "return_interval": interval_facts(interval),
        },
        "baselines": [figures(each) for each in found.baselines],
        "warnings": list(found.warnings),
        "checks": [_check(each) for each in findings],
        "report": None,
    }


def figures(of: Baseline) -> dict[str, Any]:
    """One run. Money in quote as decimal text, shares and ratios as numbers, null where a figure is not defined."""
    found = measured(of.curve, of.fills)
    fall, trades = found.drawdown, found.trades
    return {
        "name": of.name,
        "cash": format(of.cash, "f"),
        "equity": format(of.final, "f"),
        "return": float(of.gained),
        "years": found.years,
        "annual_return": found.annual,
        "volatility": found.volatility,
        "sharpe": found.sharpe,
        "sortino": found.sortino,
        "calmar": found.calmar,
        "max_drawdown": fall.depth if fall else None,
        "max_drawdown_days": fall.longest_ms / _DAY_MS if fall else None,
        "time_exposed": found.time_exposed,
        "mean_exposure": found.mean_exposure,
        "turnover": found.turnover,
        "fees": format(found.fees, "f"),
        "fills": len(of.fills),
        "trips": trades.count,
        "win_rate": trades.win_rate,
        "profit_factor": trades.profit_factor,
        "expectancy": trades.expectancy,
    }


def facts_of(past: Past) -> dict[str, Any]:
    """The bars, for scripts."""
    return {
        "label": past.info.label,
        "symbols": list(past.info.symbols),
        "interval_ms": past.info.interval_ms,
        "first_ms": past.first_ms,
        "last_ms": past.last_ms,
        "batches": past.count,
    }


def interval_facts(found: Interval | None) -> dict[str, Any] | None:
    """A confidence interval, for scripts."""
    if found is None:
        return None
    return {"low": found.low, "high": found.high, "level": found.level, "block": found.block}


def _interval(curve: Curve, seed: int) -> Interval | None:
    """The one that the report tells."""
    from fks_actors.backtest.report.intervals import generators, mean_block, of_returns
    from fks_actors.backtest.report.telling import RESAMPLES

    found = of_returns(curve, LEVEL, generators(seed)[0], RESAMPLES).get("total")
    if found is None:
        return None
    whole = float(curve.equity[-1] / curve.equity[0] - 1)
    return Interval(whole, *found, LEVEL, mean_block(len(curve.returns())), RESAMPLES)


def _check(found: "Finding") -> dict[str, Any]:
    from fks_actors.backtest.honesty import LookAhead

    name = LOOK_AHEAD if isinstance(found, LookAhead) else LAG
    return {"check": name, "warning": found.is_warning, "found": found.sentence}
