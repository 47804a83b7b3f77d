"""Sweep mode: many parameter sets of a rule over the same bars, by compiled kernels. Needs the extra `research`."""

from fks_actors.backtest.sweep.costs import Costs
from fks_actors.backtest.sweep.rules import RULES, Grid
from fks_actors.backtest.sweep.sweeping import sweep, sweep_past
from fks_actors.backtest.sweep.table import Sweep

__all__ = ["RULES", "Costs", "Grid", "Sweep", "sweep", "sweep_past"]
