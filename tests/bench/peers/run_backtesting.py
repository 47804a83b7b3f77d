"""backtesting.py: precomputed averages by `self.I`, all equity at the next open, whole units (it knows no others)."""

import warnings

import pandas as pd
from backtesting import Backtest, Strategy
from measured import CASH, FAST, FEE, SLOW, bars, timed


def average(close: pd.Series, period: int) -> pd.Series:
    return pd.Series(close).ewm(span=period, adjust=False).mean()


class EmaCross(Strategy):
    def init(self) -> None:
        self.fast = self.I(average, self.data.Close, FAST)
        self.slow = self.I(average, self.data.Close, SLOW)

    def next(self) -> None:
        if len(self.data) < SLOW:
            return
        if self.fast[-1] > self.slow[-1]:
            if not self.position:
                self.buy()
        elif self.position:
            self.position.close()


def main() -> None:
    warnings.simplefilter("ignore")
    table = bars()
    index = pd.to_datetime(table[0].astype("int64"), unit="ms")
    frame = pd.DataFrame(dict(zip(("Open", "High", "Low", "Close", "Volume"), table[1:], strict=True)), index=index)

    def run() -> tuple[int, float]:
        found = Backtest(frame, EmaCross, cash=CASH, commission=FEE, trade_on_close=False).run()
        return found["# Trades"], found["Equity Final [$]"]

    timed(run, len(frame))


if __name__ == "__main__":
    main()
