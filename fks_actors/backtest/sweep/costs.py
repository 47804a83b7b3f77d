"""What trading costs in a sweep, and how large it may be: the paper venue's and risk's figures as floats."""

from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np

from fks_actors.backtest.sweep.ports import Floats
from fks_actors.errors import ConfigError
from fks_actors.execution.config import default_rules
from fks_actors.risk.config import FIXED_PCT
from fks_actors.settings import Settings

_VOTES = -1.0
_BPS, _HUNDRED = Decimal(10_000), Decimal(100)


@dataclass(frozen=True, slots=True)
class Costs:
    """Fractions, not percent or basis points; `tick` and `least_notional` in quote, `step` and `least` in base.

    `share` of equity goes into a trade, within `gross`, with the notional held back `reserve` times. What trades more
    than `volume_share` of a bar's volume is counted, not cut. A rule names a target, and what it holds is bought up to
    it where more than `band` of equity is missing; with a `band` below 0 it votes, and buys only where nothing is held.
    """

    fee: float
    slippage: float = 0.0
    range_share: float = 0.0
    tick: float = 0.01
    step: float = 1e-8
    share: float = 1.0
    gross: float = 1.0
    reserve: float = 1.001
    least: float = 1e-8
    least_notional: float = 5.0
    volume_share: float = float("inf")
    band: float = 0.01

    @classmethod
    def of(cls, settings: Settings, symbol: str, votes: bool = False) -> "Costs":
        """What these settings say for a rule that names a target of all or nothing, or `votes` with full confidence.

        Raises:
            ConfigError: the symbol is no spot market, or votes are not sized by risk.sizing fixed_pct.
        """
        paper, risk = settings.paper, settings.risk
        if votes and risk.sizing != FIXED_PCT:
            raise ConfigError(f"votes are sized by risk.sizing {FIXED_PCT}, not by {risk.sizing}")
        rules = default_rules(symbol, paper)
        most = paper.participation_pct
        return cls(
            float(rules.taker_fee),
            float(paper.slippage_bps / _BPS),
            float(paper.range_share),
            float(rules.tick),
            float(rules.step),
            float(risk.per_trade_pct / _HUNDRED),
            float(risk.max_gross_exposure_pct / _HUNDRED),
            float(risk.reserve_factor),
            float(rules.min_quantity),
            float(rules.min_notional),
            float("inf") if most is None else float(most / _HUNDRED),
            _VOTES if votes else float(risk.rebalance_band_pct / _HUNDRED),
        )

    def figures(self) -> Floats:
        """As `account` takes them."""
        return np.array([getattr(self, field.name) for field in fields(self)], dtype=np.float64)
