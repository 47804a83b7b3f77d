"""What `fks optimize` prints for people."""

from datetime import UTC, datetime
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

_TOP = 10


def print_search(console: Console, found: dict[str, Any]) -> None:
    """The verdict, the best trials, and how to make them again."""
    console.print(found["first_line"], soft_wrap=True)
    cv, study = found["cv"], found["study"]
    bars = f"{found['bars']} bars of {', '.join(found['symbols'])}"
    splits = f"{cv['splits']} splits" if cv["splits"] else "no split"
    console.print(
        f"{bars}; {cv['spec']}: {splits}, purge {cv['purge']}, embargo {cv['embargo']}, {cv['warm']} bars learnt "
        f"before each block; seed {found['seed']}.",
        soft_wrap=True,
    )
    if found["trials"]:
        console.print(_table(found))
    if found["pareto_front"]:
        numbers = ", ".join(str(each) for each in found["pareto_front"])
        console.print(f"No trial beats these in {' and '.join(found['objectives'])} together: {numbers}.")
    for each in found["refused"][:3]:
        console.print(f"Trial {each['number']} was refused: {each['reason']}")
    if found["best"] is not None:
        console.print(
            f"Again: fks optimize --study {study} --show {found['best']} (its settings), --rerun {found['best']} "
            f"(runs and compares); more trials: --study {study} --resume --trials N"
        )


def _table(found: dict[str, Any]) -> Table:
    tested = bool(found["cv"]["splits"])
    name = "tested" if tested else "in sample"
    keys = list(found["trials"][0]["values"])
    short = [key.rpartition(".")[2] for key in keys]
    named = [last if short.count(last) == 1 else key for key, last in zip(keys, short, strict=True)]
    heads = ["trial", *named, f"{name}: return", "sharpe", "drawdown", "fills"]
    if tested:
        heads += ["trained: return", "sharpe"]
    table = Table(*heads, box=None, pad_edge=False)
    for each in found["trials"][:_TOP]:
        score, trained = each["tested"], each["trained"]
        number = f"{each['number']}" + (" pruned" if each["state"] == "pruned" else "")
        row = [number, *(_value(value) for value in each["values"].values())]
        row += [
            _percent(score["total"]),
            f"{score['sharpe']:.2f}",
            f"{score['drawdown'] * 100:.2f} %",
            str(each["fills"]),
        ]
        if trained is not None:
            row += [_percent(trained["total"]), f"{trained['sharpe']:.2f}"]
        table.add_row(*row)
    return table


def print_record(console: Console, record: dict[str, Any]) -> None:
    """A trial's record; the settings as a file that `--config` takes."""
    console.print(f"Trial {record['study']}/{record['number']}, {record['state']}, seed {record['seed']}:")
    for key, value in record["values"].items():
        console.print(f"  {key} = {_value(value)}")
    for symbol, digest in record["data_sha256"].items():
        console.print(f"  bars of {symbol}: sha256 {digest}")
    console.print(f"  settings: sha256 {record['settings_sha256']}, version {record['version']}")
    table = Table("block from", "until", "equity", "fills", "sha256 of the curve", box=None, pad_edge=False)
    for each in record["blocks"]:
        known = each.get("equity_sha256")
        cells = (each["final"], str(each["fills"]), known[:16]) if known else ("not run", "", "")
        table.add_row(_day(each["since_ms"]), _day(each["until_ms"]), *cells)
    console.print(table)
    console.print("# settings, for --config:")
    console.print(yaml.safe_dump(record["tree"], sort_keys=False).rstrip())


def print_again(console: Console, name: str, blocks: list[dict[str, Any]]) -> None:
    """Whether a trial came to the same once more."""
    same = all(each["same"] for each in blocks)
    console.print(f"Trial {name} came to {'the same equity, to the last digit' if same else 'ANOTHER equity'}.")
    table = Table("block from", "until", "before", "now", "", box=None, pad_edge=False)
    for each in blocks:
        told = "same" if each["same"] else "DIFFERS"
        table.add_row(_day(each["since_ms"]), _day(each["until_ms"]), each["before"], each["now"], told)
    console.print(table)


def _value(value: object) -> str:
    if isinstance(value, list):
        return "+".join(str(each) for each in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _percent(fraction: float) -> str:
    return f"{fraction * 100:+.2f} %"


def _day(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")
