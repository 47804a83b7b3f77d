"""Strategies as users write them: small files in a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fks_actors.model.candles import Candle
from fks_actors.strategies.config import StrategyConfig
from fks_actors.strategies.source import Kind, Source, load, read_source

MINUTE = 60_000
BTC = "BTC/USDT"
EXAMPLE = Path(__file__).parents[3] / "examples" / "ema_cross.py"


def source(folder: Path, text: str, params: Mapping[str, Any] | None = None, cls: str = "", **config: Any) -> Source:
    """The source of a strategy called `mine`, written to a file."""
    file = folder / "mine.py"
    file.write_text(text, encoding="utf-8")
    path = f"{file}:{cls}" if cls else str(file)
    return read_source("mine", StrategyConfig(path=path, params=params or {}, **config))


def kind(folder: Path, text: str, params: Mapping[str, Any] | None = None, cls: str = "", **config: Any) -> Kind:
    """The strategy, loaded."""
    return load(source(folder, text, params, cls, **config))


def bar(at: int, close: float = 100.0, symbol: str = BTC) -> Candle:
    """A flat bar."""
    return Candle(symbol, at * MINUTE, close, close, close, close, 10.0)
