"""`fks data`: recordings of bars: fetch, check, convert, list. No desk and no key is needed."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from fks_actors.cli.ask import Json
from fks_actors.cli.session import EXIT_DATA, EXIT_FAILED, console, make_console, print_json, spoken
from fks_actors.errors import ConfigError
from fks_actors.home import find_home

if TYPE_CHECKING:
    from fks_actors.adapters.recordings.across import Report
    from fks_actors.adapters.recordings.findings import Checked, Flaw

_SHOWN = 10

data = typer.Typer(
    help="Recordings of bars: fetch them from an exchange, check, convert and list them.",
    no_args_is_help=True,
    add_completion=False,
)


@data.command("fetch")
@spoken
def fetch(
    symbols: Annotated[list[str], typer.Argument(help="Such as BTC/USDT; a market that ended will do.")],
    since: Annotated[str, typer.Option("--since", help="First day or instant, 2024-01-01 or 2024-01-01T12:00 (UTC).")],
    until: Annotated[
        str, typer.Option("--until", help="The end, not included; without it the last closed bar.", show_default="now")
    ] = "",
    exchange: Annotated[str, typer.Option("--exchange", help="Its ccxt id.")] = "binance",
    timeframe: Annotated[str, typer.Option("--timeframe", help="1m to 1d.")] = "1h",
    base_url: Annotated[
        str, typer.Option("--base-url", help="Another server that speaks the exchange's API.", show_default=False)
    ] = "",
    json: Json = False,
) -> None:
    """Fetch closed bars into FKS_HOME/data; what is there is not fetched again, and a stopped fetch goes on."""
    from fks_actors.adapters.recordings.session import Order, fetch_all

    order = Order(exchange, tuple(symbols), timeframe, instant(since), instant(until) if until else None, base_url)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=make_console(stderr=True), disable=json) as progress:
        tasks = {symbol: progress.add_task(f"{symbol} {timeframe}", total=None) for symbol in order.names()}

        def told(symbol: str, done: int, whole: int) -> None:
            progress.update(tasks[symbol], completed=done, total=whole)

        results = asyncio.run(fetch_all(find_home().data, order, told))
    rows = [{**asdict(each), "path": str(each.path)} for each in results]
    if json:
        print_json(rows)
        return
    for row in rows:
        console.print(
            f"{row['symbol']}: {row['fetched']} bars fetched, {row['rows']} held in {row['path']}", soft_wrap=True
        )


@data.command("check")
@spoken
def check(
    files: Annotated[list[str], typer.Argument(help="CSV, CSV.gz or Parquet.")],
    spike_z: Annotated[
        float, typer.Option("--spike-z", min=1, max=100, help="What is a spike, in standard deviations of a bar.")
    ] = 10.0,
    json: Json = False,
) -> None:
    """What is wrong with recordings. Exit 0: nothing; 1: usable, with findings; 4: a file cannot be used."""
    from fks_actors.adapters.recordings.across import check_all
    from fks_actors.adapters.recordings.findings import Weight
    from fks_actors.market.config import QualityConfig

    report = check_all(files, QualityConfig(spike_z=spike_z))
    if json:
        print_json(_facts(report))
    else:
        _print(report)
    code = {Weight.NOTE: 0, Weight.FLAW: EXIT_FAILED, Weight.FATAL: EXIT_DATA}[report.weight]
    if code:
        raise typer.Exit(code)


@data.command("convert")
@spoken
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV, CSV.gz or Parquet.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Ends in .csv, .csv.gz or .parquet.")],
    timeframe: Annotated[str, typer.Option("--timeframe", help="A coarser one.", show_default=False)] = "",
    partial: Annotated[
        str, typer.Option("--partial", help="Coarse bars that lack a part: drop, or keep (in a column `missing`).")
    ] = "drop",
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it is there.")] = False,
    json: Json = False,
) -> None:
    """Write a recording in another format, or in a coarser timeframe."""
    from fks_actors.adapters.recordings import convert as converting

    if partial not in ("drop", "keep"):
        raise ConfigError(f"--partial {partial}: write drop or keep")
    if target.exists() and not force:
        raise ConfigError(f"{target} is there already; --force replaces it")
    made = converting.convert(source, target, timeframe, partial == "keep")
    if json:
        print_json({**asdict(made), "path": str(target)})
        return
    console.print(f"{made.rows} bars in {target}", soft_wrap=True)
    if made.partial:
        lead = "kept" if made.kept else "dropped"
        told = ", ".join(_at(ms) for ms in made.partial[:_SHOWN]) + (", ..." if len(made.partial) > _SHOWN else "")
        console.print(f"{lead} {len(made.partial)} bars that lack a part: {told}", soft_wrap=True)


@data.command("list")
@spoken
def list_store(json: Json = False) -> None:
    """What FKS_HOME/data holds."""
    from fks_actors.adapters.recordings.store import entries

    root = find_home().data
    found = entries(root)
    if json:
        print_json([{**asdict(each), "path": str(each.path)} for each in found])
        return
    if not found:
        console.print(f"{root} holds no recording; `fks data fetch` makes one", soft_wrap=True)
        return
    table = Table("exchange", "symbol", "timeframe", "rows", "first (UTC)", "last (UTC)", "gaps", "size", "source")
    for each in found:
        gaps = each.error or (f"{each.gaps.count} ({each.gaps.missing} bars)" if each.gaps and each.gaps.count else "0")
        first, last = (_at(ms) if ms is not None else "" for ms in (each.first_ms, each.last_ms))
        source = f"{each.source}{' (unfinished fetch)' if each.unfinished else ''}"
        names = (each.exchange, each.symbol, each.timeframe)
        table.add_row(*names, str(each.rows), first, last, gaps, f"{each.size / 1024:.0f} KiB", source)
    console.print(table)


def instant(text: str) -> int:
    """A day or an instant in UTC, as ms.

    Raises:
        ConfigError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no time; write 2024-01-01 or 2024-01-01T12:00") from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000)


def _at(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")


def _facts(report: "Report") -> dict[str, Any]:
    """The report for scripts; times are opens, UTC ms."""
    states = ("clean", "findings", "unusable")
    files = [
        {
            **asdict(each),
            "flaws": [_flaw(flaw) for flaw in each.flaws],
            "missing": each.missing,
            "state": states[each.weight],
        }
        for each in report.files
    ]
    return {"state": states[report.weight], "files": files, "between": [_flaw(flaw) for flaw in report.between]}


def _flaw(flaw: "Flaw") -> dict[str, Any]:
    return {**asdict(flaw), "weight": flaw.weight.name.lower()}


def _print(report: "Report") -> None:
    for each in report.files:
        console.print(_line(each), soft_wrap=True)
        for flaw in each.flaws:
            _print_flaw(flaw)
        for gap in each.gaps[:_SHOWN]:
            console.print(
                f"    missing {_at(gap.from_ms)} to {_at(gap.to_ms)}: {gap.missing} bar{'s' * (gap.missing > 1)}"
            )
        if len(each.gaps) > _SHOWN:
            console.print(f"    and {len(each.gaps) - _SHOWN} gaps more; --json names them all")
    if report.between:
        console.print("between the files")
    for flaw in report.between:
        _print_flaw(flaw)


def _line(each: "Checked") -> str:
    from fks_actors.adapters.recordings.check import name_of

    frame = name_of(each.interval_ms) if each.interval_ms else "unknown timeframe"
    ends = "" if each.first_ms is None or each.last_ms is None else f", {_at(each.first_ms)} to {_at(each.last_ms)}"
    state = ("clean", "usable, with findings", "UNUSABLE")[each.weight]
    return f"{each.path}: {state}; {each.symbol or 'unknown symbol'}, {frame}, {each.rows} bars{ends}"


def _print_flaw(flaw: "Flaw") -> None:
    rows = f" (bars {', '.join(map(str, flaw.rows))}{', ...' if flaw.count > len(flaw.rows) else ''})"
    console.print(f"  {flaw.kind} x{flaw.count}: {flaw.message}{rows if flaw.rows else ''}", soft_wrap=True)
