"""`fks optimize`: search settings over recorded bars, here or on a cluster, and tell what luck leaves of it.

A study lies in FKS_HOME/studies and goes on with --resume, however it ended. `--show` and `--rerun` make a trial again
from its record.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fks_actors.cli.options import ConfigFile
from fks_actors.cli.session import EXIT_FAILED, EXIT_INTERRUPTED, console, make_console, print_json, say_error, spoken
from fks_actors.cli.submitting import NoWait, Submit
from fks_actors.errors import ConfigError
from fks_actors.home import Home, find_home

if TYPE_CHECKING:
    from collections.abc import Callable

    from fks_actors.backtest.search.drive import Told
    from fks_actors.backtest.search.go import Crew
    from fks_actors.backtest.search.record import SearchSpec
    from fks_actors.settings import Settings

_WAYS = "none, walk-forward:5[:rolling=2], purged:5[:embargo=24:purge=24] or combinatorial:6[:test=2]."


@spoken
def optimize(
    data: Annotated[
        list[str] | None, typer.Option("--data", help="FILE or SYMBOL=FILE of bars; once a symbol.")
    ] = None,
    space: Annotated[Path | None, typer.Option("--space", help="YAML: KEY: {low: ..., high: ...} or a list.")] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="KEY=LOW:HIGH[:STEP|:log] or KEY=ONE,OTHER; repeatable.")
    ] = None,
    trials: Annotated[int | None, typer.Option("--trials", min=1, max=100_000, show_default="50")] = None,
    objective: Annotated[
        str, typer.Option("--objective", help="sharpe, return, calmar, or several: return,drawdown.")
    ] = "sharpe",
    cv: Annotated[str, typer.Option("--cv", help=f"What is tested on what: {_WAYS}")] = "walk-forward:5",
    study: Annotated[str, typer.Option("--study", help="Its name in FKS_HOME/studies.", show_default="now")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with --study; alone, as it was begun.")] = False,
    workers: Annotated[
        int, typer.Option("--workers", min=0, max=4_096, help="Ray workers; 0 is this process without Ray.")
    ] = 0,
    address: Annotated[
        str,
        typer.Option(
            "--address",
            help="A Ray cluster, HOST:PORT or desk, for the workers; with --submit a desk's, http://HOST:PORT.",
            show_default=False,
        ),
    ] = "",
    submit: Submit = False,
    no_wait: NoWait = False,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 7,
    sampler: Annotated[str, typer.Option("--sampler", help="tpe, random or grid.")] = "tpe",
    pruner: Annotated[str, typer.Option("--pruner", help="none, median or hyperband.")] = "none",
    warm: Annotated[int, typer.Option("--warm", min=0, help="Bars before each block, learnt from untraded.")] = 500,
    since: Annotated[str, typer.Option("--since", help="First day, YYYY-MM-DD (UTC).")] = "",
    until: Annotated[str, typer.Option("--until", help="The day after the last one, YYYY-MM-DD (UTC).")] = "",
    each_symbol: Annotated[bool, typer.Option("--each-symbol", help="A study for each --data by itself.")] = False,
    show: Annotated[int | None, typer.Option("--show", help="Print the record of a trial of --study.")] = None,
    rerun: Annotated[int | None, typer.Option("--rerun", help="Run a trial of --study again and compare.")] = None,
    config_file: ConfigFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Search settings over recorded bars; told is what was tested out of sample, and what luck leaves of it."""
    home = find_home()
    if show is not None or rerun is not None:
        _one_trial(home, study, show, rerun, json)
        return
    if resume and not data:
        specs = [_kept_spec(home, study, trials)]
    else:
        from fks_actors.settings import load

        settings = load(config_file).settings
        specs = _specs(
            settings, data or [], space, param or [], trials or 50, study, each_symbol,
            objective=objective, cv=cv, seed=seed, sampler=sampler, pruner=pruner, warm=warm,
            span=(_instant(since, "--since"), _instant(until, "--until")),
        )  # fmt: skip
    if submit:
        _submit(data or [], specs, resume, address, not no_wait, json)
        return
    from fks_actors.cli.cluster.crew import crew
    from fks_actors.cli.optimized import print_search

    with crew(home, workers, address) as hire:
        told = [_searched(home, spec, resume, hire, json) for spec in specs]
    if json:
        print_json(told if each_symbol else told[0])
    else:
        for found in told:
            print_search(console, found)
    if not all(found["trials"] for found in told):
        raise typer.Exit(EXIT_FAILED)


def _specs(
    settings: "Settings",
    data: list[str],
    space: Path | None,
    params: list[str],
    trials: int,
    study: str,
    each_symbol: bool,
    *,
    objective: str,
    span: tuple[int | None, int | None],
    **rest: Any,
) -> "list[SearchSpec]":
    """The searches that the options ask for; every option is looked at before any bar is."""
    from fks_actors.backtest.search.objectives import parse_objectives
    from fks_actors.backtest.search.record import SearchSpec
    from fks_actors.backtest.search.samplers import PRUNERS, SAMPLERS
    from fks_actors.backtest.search.space import base_tree, joined, parse_axis, read_space
    from fks_actors.backtest.search.splits import parse_cv
    from fks_actors.backtest.search.store import study_folder

    if not data:
        raise ConfigError("no bars: give --data FILE, once a symbol")
    for name, known in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
        if rest[name] not in known:
            raise ConfigError(f"--{name} {rest[name]}: write one of {', '.join(known)}")
    objectives = parse_objectives(objective)
    if rest["pruner"] != "none" and len(objectives) > 1:
        raise ConfigError("--pruner needs a single --objective: what is worse in one may be better in another")
    parse_cv(rest["cv"])
    axes = joined([*(read_space(space, settings) if space else ()), *(parse_axis(text, settings) for text in params)])
    name = study or datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    study_folder(Path(), name)
    groups = [(f"{name}-{at}", [each]) for at, each in enumerate(data, 1)] if each_symbol else [(name, data)]
    return [
        SearchSpec(
            study=called, data=tuple(_absolute(each) for each in files), tree=base_tree(settings), axes=axes,
            objectives=objectives, trials=trials, since_ms=span[0], until_ms=span[1], **rest,
        )
        for called, files in groups
    ]  # fmt: skip


def _submit(data: list[str], specs: "list[SearchSpec]", resume: bool, address: str, wait: bool, json: bool) -> None:
    """A desk does it; one that is cut short there goes on by itself."""
    from fks_actors.backtest.search.space import told_axis
    from fks_actors.cli.optimized import print_search
    from fks_actors.cli.submitting import submitted
    from fks_actors.client.jobs import request

    if resume or len(specs) != 1:
        raise ConfigError("--submit takes one search that begins now, without --resume and --each-symbol")
    (spec,) = specs
    search = {name: getattr(spec, name) for name in ("objectives", "cv", "trials", "sampler", "pruner")}
    search["space"] = dict(told_axis(axis) for axis in spec.axes)
    body = request(data, "", spec.tree, spec.since_ms, spec.until_ms, kind="optimize", search=search,
                   warm=spec.warm, seed=spec.seed)  # fmt: skip
    job, found = submitted(address, body, wait, json)
    if found is None:
        print_json({"id": job.id}) if json else console.print(job.id)
    elif json:
        print_json(found)
    else:
        print_search(console, found)


def _kept_spec(home: Home, study: str, trials: int | None) -> "SearchSpec":
    """What a study was begun with, and how many trials it is to have."""
    import msgspec

    from fks_actors.backtest.search.store import Store, study_folder

    if not study:
        raise ConfigError("--resume: name the --study")
    store = Store.reopen(study_folder(home.root, study))
    spec = store.spec
    store.close()
    return spec if trials is None else msgspec.structs.replace(spec, trials=trials)


def _searched(home: Home, spec: "SearchSpec", resume: bool, hire: "Crew", quiet: bool) -> dict[str, Any]:
    from fks_actors.backtest.search.facts import facts
    from fks_actors.backtest.search.go import read_search, search

    past, planned, settings = asyncio.run(read_search(spec))
    try:
        with _bar(spec, quiet) as told:
            found = search(home.root, spec, past, planned, settings, resume=resume, hire=hire, told=told)
    except KeyboardInterrupt:
        say_error(f"interrupted; what was finished is kept: fks optimize --study {spec.study} --resume")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    return facts(spec, past, planned, found)


@contextmanager
def _bar(spec: "SearchSpec", quiet: bool) -> "Iterator[Callable[[Told], None]]":
    """A bar of blocks, with the trials that are done and the best so far."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = make_console(stderr=True)
    hidden = quiet or not console.is_terminal  # where it would be a blank line
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task(spec.study, total=None)

        def told(now: "Told") -> None:
            best = "" if now.best is None else f", best {spec.objectives[0]} {now.best:.4g}"
            said = f"{spec.study}: trial {now.trials} of {now.of_trials}{best}"
            progress.update(task, description=said, completed=now.blocks, total=now.of_blocks)

        yield told


def _one_trial(home: Home, study: str, show: int | None, rerun: int | None, json: bool) -> None:
    from fks_actors.backtest.search.again import again, shown_record
    from fks_actors.backtest.search.store import Store, study_folder
    from fks_actors.cli.optimized import print_again, print_record

    if not study:
        raise ConfigError("name the --study whose trial it is")
    store = Store.reopen(study_folder(home.root, study))
    try:
        number = show if show is not None else rerun
        record = store.record(number if number is not None else 0)
        if show is not None:
            found = shown_record(store, record)
            if json:
                print_json(found)
            else:
                print_record(console, found)
            return
        blocks = asyncio.run(again(store, record))
        if not blocks:
            raise ConfigError(f"trial {record.study}/{record.number} ran no block: there is nothing to compare")
    finally:
        store.close()
    if json:
        print_json(
            {"trial": f"{record.study}/{record.number}", "same": all(b["same"] for b in blocks), "blocks": blocks}
        )
    else:
        print_again(console, f"{record.study}/{record.number}", blocks)
    if not all(each["same"] for each in blocks):
        raise typer.Exit(EXIT_FAILED)


def _absolute(data: str) -> str:
    """FILE or SYMBOL=FILE with the whole path: a study is resumed from any folder."""
    symbol, found, path = data.partition("=")
    named = bool(found) and "/" in symbol and "." not in symbol
    whole = Path(path if named else data).expanduser().absolute()
    return f"{symbol}={whole}" if named else str(whole)


def _instant(day: str, option: str) -> int | None:
    if not day:
        return None
    try:
        return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1_000)
    except ValueError:
        raise ConfigError(f"{option} {day}: write a day as YYYY-MM-DD") from None
