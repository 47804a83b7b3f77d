"""The same loop compiled by numba, before the clock: the limit."""

import numpy as np
from measured import CASH, FAST, FEE, SLOW, bars, timed
from numba import njit


@njit
def cross(opens: np.ndarray, closes: np.ndarray) -> tuple[int, float]:
    fast = slow = closes[0]
    quick, lazy = 2.0 / (FAST + 1.0), 2.0 / (SLOW + 1.0)
    cash, held, trips, wish = CASH, 0.0, 0, 0
    for at in range(len(closes)):
        if wish > 0:
            held, cash = cash / (opens[at] * (1.0 + FEE)), 0.0
        elif wish < 0:
            held, cash, trips = 0.0, held * opens[at] * (1.0 - FEE), trips + 1
        fast += quick * (closes[at] - fast)
        slow += lazy * (closes[at] - slow)
        wish = 0
        if at >= SLOW - 1:
            if fast > slow:
                wish = 0 if held > 0.0 else 1
            elif held > 0.0:
                wish = -1
    return trips, cash + held * closes[-1]


def main() -> None:
    table = bars()
    opens, closes = np.ascontiguousarray(table[1]), np.ascontiguousarray(table[4])
    cross(opens[:100], closes[:100])
    timed(lambda: cross(opens, closes), len(closes))


if __name__ == "__main__":
    main()
