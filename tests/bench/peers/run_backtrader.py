"""backtrader: its own averages, which begin at the mean of their first values, and all equity at the next open."""

import backtrader as bt
import pandas as pd
from measured import CASH, FAST, FEE, SLOW, bars, timed


class EmaCross(bt.Strategy):
    def __init__(self) -> None:
        self.fast, self.slow = bt.ind.EMA(self.data.close, period=FAST), bt.ind.EMA(self.data.close, period=SLOW)
        self.trips = 0

    def notify_trade(self, trade: bt.Trade) -> None:
        self.trips += trade.isclosed

    def next(self) -> None:
        if len(self) < SLOW:
            return
        if self.fast[0] > self.slow[0]:
            if not self.position:
                # a hair less than all: the broker refuses what rounding makes dearer than the cash
                self.buy(size=self.broker.getcash() / (self.data.close[0] * (1 + FEE)) * (1 - 1e-12))
        elif self.position:
            self.close()


def main() -> None:
    table = bars()
    index = pd.to_datetime(table[0].astype("int64"), unit="ms")
    frame = pd.DataFrame(dict(zip(("open", "high", "low", "close", "volume"), table[1:], strict=True)), index=index)

    def run() -> tuple[int, float]:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(bt.feeds.PandasData(dataname=frame))
        cerebro.addstrategy(EmaCross)
        cerebro.broker.setcash(CASH)
        cerebro.broker.setcommission(commission=FEE)
        (found,) = cerebro.run()
        return found.trips, cerebro.broker.getvalue()

    timed(run, len(frame))


if __name__ == "__main__":
    main()
