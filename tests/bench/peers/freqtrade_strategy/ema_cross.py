"""The crossover as a freqtrade strategy."""

from typing import ClassVar

import pandas as pd
from freqtrade.strategy import IStrategy

FAST, SLOW = 20, 50


class EmaCross(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi: ClassVar[dict[str, float]] = {}
    stoploss = -0.99
    use_exit_signal = True
    startup_candle_count = 0

    def populate_indicators(self, dataframe: pd.DataFrame, metadata: dict) -> pd.DataFrame:
        dataframe["fast"] = dataframe["close"].ewm(span=FAST, adjust=False).mean()
        dataframe["slow"] = dataframe["close"].ewm(span=SLOW, adjust=False).mean()
        return dataframe

    def populate_entry_trend(self, dataframe: pd.DataFrame, metadata: dict) -> pd.DataFrame:
        dataframe.loc[(dataframe["fast"] > dataframe["slow"]) & (dataframe.index >= SLOW - 1), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: pd.DataFrame, metadata: dict) -> pd.DataFrame:
        dataframe.loc[dataframe["fast"] <= dataframe["slow"], "exit_long"] = 1
        return dataframe
