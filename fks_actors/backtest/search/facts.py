"""What a search found, as plain values for scripts, jobs and the printed table. Fractions, not percent."""

from typing import Any

import msgspec

from fks_actors.backtest.past import Past
from fks_actors.backtest.search.findings import Findings, shown
from fks_actors.backtest.search.record import SearchSpec
from fks_actors.backtest.search.splits import Plan
from fks_actors.backtest.search.store import COMPLETE


def facts(spec: SearchSpec, past: Past, plan: Plan, found: Findings) -> dict[str, Any]:
    """Everything that is told of a search, as JSON has it."""
    best = found.best
    return {
        "first_line": found.first_line(),
        "study": spec.study,
        "data": past.info.label,
        "symbols": list(past.info.symbols),
        "bars": len(past.times),
        "objectives": list(found.objectives),
        "cv": {
            "spec": spec.cv,
            "blocks": len(plan.blocks),
            "splits": len(plan.splits),
            "warm": plan.warm,
            "purge": plan.purge,
            "embargo": plan.embargo,
        },
        "seed": spec.seed,
        "version": spec.version,
        "tried": len(found.tried),
        "completed": sum(each.kept.state == COMPLETE for each in found.tried),
        "pruned": found.pruned,
        "refused": [{"number": each.number, "reason": each.reason} for each in found.refused],
        "searched": None if found.searched is None else msgspec.to_builtins(found.searched),
        "chosen": list(found.chosen),
        "paths": list(found.paths),
        "buy_and_hold": found.hold,
        "best": None if best is None else best.kept.number,
        "deflated_sharpe": found.dsr,
        "survives_deflation": found.survives,
        "overfitting": found.pbo,
        "pareto_front": list(found.front) if len(found.objectives) > 1 else None,
        "trials": [msgspec.to_builtins(shown(each)) for each in found.tried],
    }
