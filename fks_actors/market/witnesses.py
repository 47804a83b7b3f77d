"""Prices of the same symbol from several sources, held against each other."""

from collections.abc import Mapping

from fks_actors.market.volume import median

_TWO = 2


def deviations(prices: Mapping[str, float]) -> dict[str, float]:
    """How far each price is from the others', as a fraction (>= 0); empty where there is nothing to compare.

    From the median of three or more, so that one wrong price does not accuse the right ones. Of two nobody can tell
    which is wrong: each deviates from the other by the same.
    """
    if len(prices) < _TWO:
        return {}
    values = list(prices.values())
    if len(values) == _TWO:
        return dict.fromkeys(prices, max(values) / min(values) - 1.0)
    middle = median(values)
    return {name: abs(price / middle - 1.0) for name, price in prices.items()}
