"""vectorbt: signals shifted to the next bar, filled at its open; warm, so compiled on a few bars before the clock."""

import pandas as pd
import vectorbt as vbt
from measured import CASH, FAST, FEE, SLOW, bars, timed


def cross(frame: pd.DataFrame) -> tuple[int, float]:
    close = frame["close"]
    fast, slow = (vbt.MA.run(close, period, ewm=True) for period in (FAST, SLOW))
    entries = fast.ma_crossed_above(slow).vbt.fshift(1)
    exits = fast.ma_crossed_below(slow).vbt.fshift(1)
    held = vbt.Portfolio.from_signals(close, entries, exits, price=frame["open"], fees=FEE, init_cash=CASH, freq="1min")
    return held.trades.closed.count(), held.final_value()


def main() -> None:
    table = bars()
    index = pd.to_datetime(table[0].astype("int64"), unit="ms")
    frame = pd.DataFrame(dict(zip(("open", "high", "low", "close", "volume"), table[1:], strict=True)), index=index)
    cross(frame.iloc[:1_000])
    timed(lambda: cross(frame), len(frame))


if __name__ == "__main__":
    main()
