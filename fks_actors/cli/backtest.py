"""`fks backtest`: recorded bars through the desk, in this process, on paper.

The first line says whether the run beat flat and buy and hold after costs; nothing is printed before it. No cluster is
started and no running desk is touched, unless --submit has one do it.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fks_actors.cli.options import ConfigFile
from fks_actors.cli.past_options import WARM, Data, Since, Until, Warm, span_of
from fks_actors.cli.session import EXIT_FAILED, console, print_json, spoken
from fks_actors.cli.submitting import Address, NoWait, Submit
from fks_actors.errors import ConfigError

if TYPE_CHECKING:
    from fks_actors.backtest.honesty import Finding
    from fks_actors.backtest.study import Study
    from fks_actors.cli.watching import Told


@spoken
def backtest(
    data: Data,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy", help="A strategy, FILE.py or FILE.py:CLASS, or a mind, alone.", show_default="the council"
        ),
    ] = "",
    since: Since = "",
    until: Until = "",
    warm: Warm = WARM,
    baselines: Annotated[
        str, typer.Option("--baselines", help="all, none, or names with commas; flat and buy and hold always.")
    ] = "all",
    report: Annotated[
        Path | None, typer.Option("--report", help="A folder for the report, a page and its data.", show_default=False)
    ] = None,
    check_lookahead: Annotated[
        bool, typer.Option("--check-lookahead", help="Corrupt the future: earlier decisions must not change.")
    ] = False,
    lag: Annotated[bool, typer.Option("--lag", help="Run again with every vote one bar late.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap and of the corruption.")] = 7,
    submit: Submit = False,
    address: Address = "",
    no_wait: NoWait = False,
    config_file: ConfigFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Trade recorded bars on paper, and show the result beside what it has to beat."""
    from fks_actors.backtest.facts import LOOK_AHEAD, facts_of_study
    from fks_actors.backtest.past import read_past
    from fks_actors.backtest.studies import checked, chosen, study
    from fks_actors.cli.watching import watched
    from fks_actors.settings import load

    if report is not None:
        _make(report)
    settings, span, beside = load(config_file).settings, span_of(since, until), chosen(baselines)
    if submit:
        from fks_actors.backtest.search.space import base_tree
        from fks_actors.client.jobs import request

        asked: dict[str, Any] = {
            "kind": "backtest",
            "baselines": beside,
            "lag": lag,
            "check_lookahead": check_lookahead,
        }
        body = request(data, strategy, base_tree(settings), *span, warm=warm, seed=seed, **asked)
        _submitted(body, report, address, not no_wait, json)
        return

    async def work(told: "Told") -> "tuple[Study, tuple[Finding, ...]]":
        past = await read_past(data, span, warm)
        made = await study(settings, past, strategy=strategy, baselines=beside, told=told)
        return await checked(made, lag=lag, lookahead=check_lookahead, seed=seed, told=told)

    found, findings = watched(work, json)
    facts = facts_of_study(found, findings, seed)
    if not json:
        print_facts(facts)
    try:
        facts["report"] = _saved(found, report, seed)
    finally:
        if json:
            print_json(facts)
    if facts["report"] and not json:
        console.print(f"Report: {facts['report']['html']}", soft_wrap=True)
    if any(each["check"] == LOOK_AHEAD and each["warning"] for each in facts["checks"]):
        raise typer.Exit(EXIT_FAILED)


def _submitted(body: dict[str, Any], report: Path | None, address: str, wait: bool, json: bool) -> None:
    """A desk does it; what is shown is what would have been shown here."""
    from fks_actors.backtest.facts import LOOK_AHEAD
    from fks_actors.cli.submitting import client_at, submitted

    job, facts = submitted(address, body, wait, json)
    if facts is None:
        print_json({"id": job.id}) if json else console.print(job.id)
        return
    if report is not None:
        with client_at(address) as client:
            page = report / "report.html"
            page.write_text(client.report(job.id), encoding="utf-8")
        facts["report"] = {"html": str(page)}
    if json:
        print_json(facts)
    else:
        print_facts(facts)
        console.print(f"Job {job.id}" + (f"; report: {facts['report']['html']}" if facts["report"] else ""))
    if any(each["check"] == LOOK_AHEAD and each["warning"] for each in facts["checks"]):
        raise typer.Exit(EXIT_FAILED)


def _make(folder: Path) -> None:
    """Before the run, which may take minutes.

    Raises:
        ConfigError: the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--report {folder}: cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"--report {folder}: cannot be written to")


def _saved(found: "Study", folder: Path | None, seed: int) -> dict[str, str] | None:
    if folder is None:
        return None
    from fks_actors.backtest.report import save

    saved = save(found, folder, seed=seed)
    return {"html": str(saved.html), "json": str(saved.json)}


def print_facts(facts: dict[str, Any]) -> None:
    """What `facts.facts_of_study` tells, for people; the verdict stands first."""
    from fks_actors.cli.figures import figures_table, line_of, percent

    console.print(facts["first_line"], soft_wrap=True)
    console.print(line_of(facts["data"]), soft_wrap=True)
    console.print(figures_table([facts["result"], *facts["baselines"]]))
    spread = facts["result"]["return_interval"]
    if spread is not None and spread["low"] < spread["high"]:
        low, high = (percent(spread[edge], signed=True) for edge in ("low", "high"))
        told = "contains 0: the return may be luck" if spread["low"] <= 0.0 <= spread["high"] else "leaves out 0"
        console.print(
            f"The return's {spread['level']:.0%} interval is {low} to {high} (block bootstrap); it {told}.",
            soft_wrap=True,
        )
    for warning in facts["warnings"]:
        console.print(f"! {warning}", soft_wrap=True)
    for check in facts["checks"]:
        if not check["warning"]:
            console.print(check["found"], soft_wrap=True)
