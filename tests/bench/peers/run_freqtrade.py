"""freqtrade: its `Backtesting` over a local data folder, all of the wallet in one trade, an exchange without a network.

It puts the whole wallet into the coin and takes both fees from the proceeds, so its equity is a hair off.
"""

import json
import logging
import tempfile
from pathlib import Path

import pandas as pd
from freqtrade.configuration import Configuration
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType, RunMode
from freqtrade.exchange import Exchange
from freqtrade.optimize.backtesting import Backtesting
from measured import CASH, FEE, bars, timed

PAIR = "BTC/USDT"
MARKET = {
    "id": "BTCUSDT",
    "symbol": PAIR,
    "base": "BTC",
    "quote": "USDT",
    "active": True,
    "spot": True,
    "type": "spot",
    "linear": None,
    "contractSize": None,
    "maker": FEE,
    "taker": FEE,
    "precision": {"amount": 1e-8, "price": 0.01},
    "limits": {"amount": {"min": 1e-8, "max": None}, "cost": {"min": 5.0, "max": None}, "price": {"min": 0.01}},
    "info": {},
}


def configured(folder: Path) -> dict:
    """The configuration of `freqtrade backtesting --config`."""
    told = {
        "exchange": {"name": "binance", "pair_whitelist": [PAIR], "pair_blacklist": []},
        "pairlists": [{"method": "StaticPairList"}],
        "stake_currency": "USDT",
        "stake_amount": "unlimited",
        "tradable_balance_ratio": 1.0,
        "dry_run_wallet": CASH,
        "dry_run": True,
        "max_open_trades": 1,
        "fee": FEE,
        "timeframe": "1m",
        "dataformat_ohlcv": "feather",
        "entry_pricing": {"price_side": "same", "use_order_book": False},
        "exit_pricing": {"price_side": "same", "use_order_book": False},
    }
    file = folder / "config.json"
    file.write_text(json.dumps(told))
    arguments = {
        "config": [str(file)],
        "datadir": str(folder),
        "user_data_dir": str(folder),
        "strategy": "EmaCross",
        "strategy_path": str(Path(__file__).parent / "freqtrade_strategy"),
        "backtest_cache": "none",
        "export": "none",
    }
    return Configuration(arguments, RunMode.BACKTEST).get_config()


def main() -> None:
    logging.disable(logging.CRITICAL)
    table = bars()
    with tempfile.TemporaryDirectory(prefix="freqtrade") as name:
        folder = Path(name)
        frame = pd.DataFrame({"date": pd.to_datetime(table[0].astype("int64"), unit="ms", utc=True)})
        for place, column in enumerate(("open", "high", "low", "close", "volume"), 1):
            frame[column] = table[place]
        config = configured(folder)
        get_datahandler(folder, "feather").ohlcv_store(PAIR, "1m", frame, CandleType.SPOT)
        exchange = Exchange(config, validate=False)
        exchange._markets = {PAIR: MARKET}
        tested = Backtesting(config, exchange)

        def run() -> tuple[int, float]:
            data, span = tested.load_bt_data()
            tested.load_prior_backtest()
            tested.backtest_one_strategy(tested.strategylist[0], data, span)
            found = tested.all_bt_content["EmaCross"]["results"]
            return int((found["exit_reason"] == "exit_signal").sum()), CASH + float(found["profit_abs"].sum())

        timed(run, len(frame))


if __name__ == "__main__":
    main()
