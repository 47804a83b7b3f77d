"""nautilus_trader: the low-level engine with its own averages, a spot pair on a cash account.

A market order in `on_bar` fills at once at the close: on these bars that is the next bar's open. Its venue fills no
more than the bars' volume, which the work does not know: every bar gets a volume that is enough.
"""

from decimal import Decimal

import pandas as pd
from measured import CASH, FAST, FEE, SLOW, bars, timed
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common.config import LoggingConfig
from nautilus_trader.config import StrategyConfig
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy

ENOUGH = 1e9
VENUE = Venue("SIM")
PAIR = CurrencyPair(
    instrument_id=InstrumentId(Symbol("BTCUSDT"), VENUE),
    raw_symbol=Symbol("BTCUSDT"),
    base_currency=BTC,
    quote_currency=USDT,
    price_precision=2,
    size_precision=8,
    price_increment=Price.from_str("0.01"),
    size_increment=Quantity.from_str("0.00000001"),
    maker_fee=Decimal(str(FEE)),
    taker_fee=Decimal(str(FEE)),
    ts_event=0,
    ts_init=0,
)
BARS = BarType.from_str(f"{PAIR.id}-1-MINUTE-LAST-EXTERNAL")


class EmaCross(Strategy):
    def __init__(self) -> None:
        super().__init__(StrategyConfig())
        self.fast, self.slow = ExponentialMovingAverage(FAST), ExponentialMovingAverage(SLOW)
        self.trips = 0

    def on_start(self) -> None:
        self.register_indicator_for_bars(BARS, self.fast)
        self.register_indicator_for_bars(BARS, self.slow)
        self.subscribe_bars(BARS)

    def on_bar(self, bar: Bar) -> None:
        if not self.slow.initialized:
            return
        if self.fast.value > self.slow.value:
            if self.portfolio.is_flat(PAIR.id):
                cash = self.portfolio.account(VENUE).balance_free(USDT).as_decimal()
                size = float(cash) / (float(bar.close) * (1 + FEE)) * (1 - 1e-12)
                self.submit_order(
                    self.order_factory.market(PAIR.id, OrderSide.BUY, PAIR.make_qty(size, round_down=True))
                )
        elif self.portfolio.is_net_long(PAIR.id):
            self.close_all_positions(PAIR.id)

    def on_position_closed(self, event: object) -> None:
        self.trips += 1


def main() -> None:
    table = bars()
    index = pd.to_datetime(table[0].astype("int64"), unit="ms", utc=True)
    names = ("open", "high", "low", "close", "volume")
    frame = pd.DataFrame(dict(zip(names, table[1:], strict=True)), index=index)
    frame["volume"] = ENOUGH
    made = BarDataWrangler(BARS, PAIR).process(frame)
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False))
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=None,
        starting_balances=[Money(CASH, USDT)],
    )
    engine.add_instrument(PAIR)
    engine.add_data(made)
    strategy = EmaCross()
    engine.add_strategy(strategy)

    def run() -> tuple[int, float]:
        engine.run()
        account = engine.portfolio.account(VENUE)
        held = account.balance_total(BTC)
        return strategy.trips, float(account.balance_total(USDT)) + (float(held) if held else 0.0) * float(
            made[-1].close
        )

    timed(run, len(made))


if __name__ == "__main__":
    main()
