"""The options of commands that read recorded bars, and what they mean."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from fks_actors.errors import ConfigError

if TYPE_CHECKING:
    from fks_actors.backtest.past import Span

Data = Annotated[list[str], typer.Option("--data", help="FILE or SYMBOL=FILE of bars; once a symbol.")]
Since = Annotated[str, typer.Option("--since", help="First day or instant, 2024-01-01 or 2024-01-01T12:00 (UTC).")]
Until = Annotated[str, typer.Option("--until", help="The day or instant after the last bar (UTC).")]
Warm = Annotated[int, typer.Option("--warm", min=0, help="Bars before --since that the minds learn from, untraded.")]
WARM = 5_000


def span_of(since: str, until: str) -> "Span":
    """From when until before when bars are traded, UTC ms.

    Raises:
        ConfigError: one of them is no time, or the first is not before the second.
    """
    begin, end = _instant(since, "--since"), _instant(until, "--until")
    if begin is not None and end is not None and begin >= end:
        raise ConfigError(f"--since {since} is not before --until {until}")
    return begin, end


def _instant(text: str, option: str) -> int | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} {text}: write a day as YYYY-MM-DD, or 2024-01-01T12:00 (UTC)") from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000)
