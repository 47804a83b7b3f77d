"""Fills and curves for the tests of a run's figures: builders and Hypothesis strategies."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st

from fks_actors.backtest.metrics import Curve
from fks_actors.model.orders import Fill, Liquidity, Side

SYMBOL = "BTC/USDT"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FEE = Decimal("0.001")


def fill(side: Side, quantity: str | Decimal, price: str | Decimal, at: int, order: str = "", trade: str = "") -> Fill:
    """A taker's fill number `at`, of an order of its own unless `order` names one; 0.1 % fee in quote."""
    size, paid = Decimal(quantity), Decimal(price)
    name = order or f"o{at}"
    return Fill(
        trade or f"t{at}", name, "paper", SYMBOL, side, paid, size, size * paid * FEE, Liquidity.TAKER, at * HOUR_MS
    )


def curve_of(equity: Sequence[float], exposure: Sequence[float] | None = None, step_ms: int = DAY_MS) -> Curve:
    """A curve with one point a step."""
    held = exposure if exposure is not None else [0.0] * len(equity)
    return Curve.build([(at * step_ms, e, h) for at, (e, h) in enumerate(zip(equity, held, strict=True))])


def equities(least: int = 2, most: int = 60) -> st.SearchStrategy[list[float]]:
    """Equity that stays above 0."""
    return st.lists(st.floats(1.0, 1e6), min_size=least, max_size=most)


@st.composite
def spot_fills(draw: st.DrawFn, flat: bool = False) -> list[Fill]:
    """Purchases, and sales of what is held; with `flat` the last one sells the rest."""
    held, fills = Decimal(0), []
    sizes = st.decimals("0.001", "5", places=3)
    for at in range(draw(st.integers(1, 25))):
        price = draw(st.decimals("0.01", "50000", places=2))
        sells = held > 0 and draw(st.booleans())
        size = min(draw(sizes), held) if sells else draw(sizes)
        order = f"o{draw(st.integers(0, 1)) + at // 2 * 2}-{'sell' if sells else 'buy'}"
        fills.append(fill(Side.SELL if sells else Side.BUY, size, price, at, order))
        held += -size if sells else size
    if flat and held > 0:
        fills.append(fill(Side.SELL, held, draw(st.decimals("0.01", "50000", places=2)), len(fills)))
    return fills
