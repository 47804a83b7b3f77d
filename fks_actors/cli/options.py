"""The options that `fks up` and `fks config` share, and what they mean as settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from fks_actors.errors import ConfigError

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="A YAML file; the packaged paper.yaml without it.", show_default=False)
]
Feed = Annotated[
    str | None,
    typer.Option("--feed", help="replay:FILE[,FILE...], live:EXCHANGE, simulated or auto.", show_default="auto"),
]
Speed = Annotated[
    str | None, typer.Option("--speed", help="Bars' time by real time, or max. 1 is real time.", show_default=False)
]
Symbols = Annotated[
    str | None, typer.Option("--symbols", help="Comma-separated; for live and simulated.", show_default=False)
]
Seed = Annotated[int | None, typer.Option("--seed", help="Of the simulated market.", show_default=False)]
Port = Annotated[int | None, typer.Option("--port", help="Of the HTTP edge.", show_default="8000")]


def flags_of(
    feed: str | None, speed: str | None, symbols: str | None, seed: int | None, port: int | None
) -> Mapping[tuple[str, ...], object]:
    """The options as `settings.load` takes them.

    Raises:
        ConfigError: the speed is neither a number nor max.
    """
    return {
        ("feed", "spec"): feed,
        ("feed", "speed"): _speed(speed),
        ("feed", "symbols"): None if symbols is None else [s.strip() for s in symbols.split(",")],
        ("feed", "seed"): seed,
        ("serve", "port"): port,
    }


def _speed(text: str | None) -> object:
    if text is None or text == "max":
        return text
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"--speed {text}: write a number (1 is real time) or max") from None
