"""`fks replay`: recorded decisions made once more from the journal, and held against the record byte for byte.

Nothing is traded, no cluster is started, and the journal is only read, a running desk's too. Language models are not
asked unless `--ask-models` says so: their answers stand in the record.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from fks_actors.cli.options import ConfigFile
from fks_actors.cli.session import EXIT_FAILED, console, make_console, print_json, spoken
from fks_actors.errors import ConfigError
from fks_actors.home import Home, find_home

if TYPE_CHECKING:
    from fks_actors.backtest.replay import Checked, Replayed, Wanted
    from fks_actors.model.records import RunRecord
    from fks_actors.settings import Settings

_SHOWN = 20
_DAY_MS = 86_400_000
_WIDTH = 48


@spoken
def replay(
    decision: Annotated[str, typer.Argument(help="SYMBOL@<open of its bar, ms>; without one give a span.")] = "",
    day: Annotated[str, typer.Option("--day", help="Every decision on bars of that day, YYYY-MM-DD (UTC).")] = "",
    since: Annotated[str, typer.Option("--since", help="From this instant: YYYY-MM-DD[THH:MM], UTC.")] = "",
    until: Annotated[str, typer.Option("--until", help="Before this instant: YYYY-MM-DD[THH:MM], UTC.")] = "",
    other: Annotated[
        Path | None, typer.Option("--with", help="Other settings: show what they would change.", show_default=False)
    ] = None,
    ask_models: Annotated[
        bool, typer.Option("--ask-models", help="Ask the models of --with what the record does not answer.")
    ] = False,
    journal: Annotated[
        str, typer.Option("--journal", help="The journal's URL or file; without it the desk's own.")
    ] = "",
    config_file: ConfigFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make recorded decisions once more: DECISION, or all of a span. Ends with 1 where one is not as recorded.

    With --with it ends with 0 whatever would change. --config counts only for runs whose record holds no settings.
    """
    wanted = wanted_of(decision, day, since, until)
    if ask_models and other is None:
        raise ConfigError("--ask-models goes with --with: a replay of what was recorded asks nobody")
    from fks_actors.settings import load

    home = find_home()
    fallback, anew = load(config_file).settings, load(other).settings if other else None
    console = make_console(stderr=True)
    hidden = json or not console.is_terminal  # where it would be a blank line
    with Progress(console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("commits", total=None)
        found = asyncio.run(
            _replayed(
                home,
                _url(home, journal),
                wanted,
                fallback,
                anew,
                ask_models,
                lambda done, total: progress.update(task, completed=done, total=total),
            )
        )
    facts = facts_of(found, str(other) if other else "", str(config_file or "paper.yaml"))
    if json:
        print_json(facts)
    else:
        _print(facts, bool(decision))
    if other is None and found.identical < found.decisions:
        raise typer.Exit(EXIT_FAILED)


def wanted_of(decision: str, day: str, since: str, until: str) -> "Wanted":
    """Which decisions the options name.

    Raises:
        ConfigError: none, or two ways at once, or what is no instant.
    """
    from fks_actors.backtest.replay import Wanted

    if sum(map(bool, (decision, day, since or until))) != 1:
        raise ConfigError("say what to replay, one way: DECISION, --day, or --since and --until")
    if decision:
        return Wanted(decision)
    if day:
        start = _instant(day, "--day")
        if start % _DAY_MS:
            raise ConfigError(f"--day {day}: write a day as YYYY-MM-DD")
        return Wanted("", start, start + _DAY_MS)
    span = Wanted("", _instant(since, "--since") if since else None, _instant(until, "--until") if until else None)
    if span.since_ms is not None and span.until_ms is not None and span.since_ms >= span.until_ms:
        raise ConfigError(f"--since {since} is not before --until {until}")
    return span


async def _replayed(
    home: Home,
    url: str,
    wanted: "Wanted",
    fallback: "Settings",
    anew: "Settings | None",
    ask_models: bool,
    told: Callable[[int, int], None],
) -> "Replayed":
    from fks_actors.adapters.sql.chain import open_chain
    from fks_actors.backtest.recorded_settings import settings_of
    from fks_actors.backtest.replay import replay as again

    def settings(run: "RunRecord") -> "Settings":
        return anew or settings_of(run, fallback)

    chain, models = open_chain(url), None
    try:
        if anew is not None and ask_models:
            if not anew.llm.providers:
                raise ConfigError("--ask-models: --with names no model under llm.providers")
            from fks_actors.actors.models import ModelsActor

            models = ModelsActor(anew.llm, str(home.root))
            await models.start()
        return await again(chain, wanted, settings, anew is not None, models, told)
    finally:
        chain.close()
        if models is not None:
            await models.close()


def _url(home: Home, journal: str) -> str:
    from fks_actors.cli.journals import newest_journal_url, sqlite_url

    if not journal:
        return newest_journal_url(home)
    return journal if "://" in journal else sqlite_url(Path(journal).expanduser().absolute())


def facts_of(found: "Replayed", other: str, fallback: str) -> dict[str, Any]:
    """What is printed, for scripts."""
    from fks_actors import __version__

    last = found.last
    return {
        "decisions": found.decisions,
        "identical": found.identical,
        "differing": found.decisions - found.identical,
        "turned": found.turned,
        "bytes": found.bytes,
        "with": other,
        "settings": "other" if other else "given" if found.unsettled else "recorded",
        "settings_file": other or (fallback if found.unsettled else ""),
        "runs": [
            {"run_id": run.run_id, "version": run.version, "settings_digest": run.settings_digest} for run in found.runs
        ],
        "version": __version__,
        "commits": found.commits,
        "bars": found.bars,
        "taken_from_the_record": dict(sorted(found.taken.items())),
        "lacking_in_the_record": dict(sorted(found.lacks.items())),
        "account_points": found.points,
        "account_points_differ": found.points_differ,
        "decision": None if last is None or found.decisions > 1 else _summary(last),
        "changed": [{**_summary(each), "differences": _differences(each)} for each in found.differing],
    }


def _summary(each: "Checked") -> dict[str, Any]:
    before, after = each.recorded, each.rebuilt
    return {
        "decision_id": before.decision_id,
        "identical": each.identical,
        "bytes": each.bytes,
        "outcome": {"recorded": before.outcome.value, "rebuilt": after.outcome.value},
        "action": {"recorded": before.verdict.action.value, "rebuilt": after.verdict.action.value},
        "strength": {"recorded": before.verdict.strength, "rebuilt": after.verdict.strength},
        "ballots": len(after.ballots),
        "turns": len(after.debate.turns) if after.debate else 0,
        "turned": each.turned,
        "taken": each.gaps.taken,
        "lacks": each.gaps.lacks,
    }


def _differences(each: "Checked") -> list[dict[str, Any]]:
    return [{"field": d.field, "recorded": d.recorded, "rebuilt": d.rebuilt} for d in each.differences()]


def _print(facts: dict[str, Any], single: bool) -> None:
    console.print(_headline(facts, single))
    if single and facts["decision"]:
        _print_decision(facts)
    elif facts["changed"]:
        _print_changed(facts)
    for line in _remarks(facts):
        console.print(line)


def _headline(facts: dict[str, Any], single: bool) -> str:
    name, total, differ = "rebuilt", facts["decisions"], facts["differing"]
    if single:
        one = facts["decision"]
        if one["identical"]:
            return f"{one['decision_id']}: identical, {one['bytes']} bytes"
        name = f"with {facts['with']} it would change" if facts["with"] else "NOT as recorded"
        return f"{one['decision_id']}: {name}"
    if facts["with"]:
        return (
            f"With {facts['with']}, {facts['turned']} of {total} decisions would come out otherwise, and "
            f"{differ - facts['turned']} with other figures alone; no profit or loss is claimed."
        )
    verdict = f"{differ} NOT as recorded" if differ else "identical" if total == 1 else "all identical"
    return f"{total} {'decision' if total == 1 else 'decisions'} {name}: {verdict}, {facts['bytes']} bytes compared"


def _print_decision(facts: dict[str, Any]) -> None:
    one = facts["decision"]
    turns = f", {one['turns']} turns of its debate" if one["turns"] else ""
    console.print(
        f"rebuilt from {facts['bars']} bars and {facts['commits']} commits: {one['ballots']} ballots, the verdict "
        f"({one['action']['rebuilt']}, {one['strength']['rebuilt']:.4f}), risk's word ({one['outcome']['rebuilt']})"
        f"{turns}"
    )
    if not facts["changed"]:
        return
    table = Table("field", "recorded", "otherwise" if facts["with"] else "rebuilt", box=None, pad_edge=False)
    for each in facts["changed"][0]["differences"]:
        table.add_row(each["field"], _short(each["recorded"]), _short(each["rebuilt"]))
    console.print(table)


def _print_changed(facts: dict[str, Any]) -> None:
    table = Table(
        "decision",
        "recorded",
        "strength",
        "otherwise" if facts["with"] else "rebuilt",
        "strength",
        "fields",
        box=None,
        pad_edge=False,
    )
    shown = sorted(facts["changed"], key=lambda each: not each["turned"])[:_SHOWN]
    for each in shown:
        fields = [d["field"] for d in each["differences"]]
        more = f" and {len(fields) - 2} more" if len(fields) > 2 else ""
        table.add_row(
            each["decision_id"],
            f"{each['action']['recorded']} {each['outcome']['recorded']}",
            f"{each['strength']['recorded']:.4f}",
            f"{each['action']['rebuilt']} {each['outcome']['rebuilt']}",
            f"{each['strength']['rebuilt']:.4f}",
            _short(", ".join(fields[:2]) + more),
        )
    console.print(table)
    if len(facts["changed"]) > len(shown):
        console.print(f"... and {len(facts['changed']) - len(shown)} more; --json prints all")


def _remarks(facts: dict[str, Any]) -> list[str]:
    said = []
    taken = facts["taken_from_the_record"]
    if taken:
        said.append("taken from the record: " + ", ".join(f"{name} ({count})" for name, count in taken.items()))
    lacks = facts["lacking_in_the_record"]
    if lacks:
        said.append("lacking in the record: " + ", ".join(f"{name} ({count})" for name, count in lacks.items()))
    if facts["settings"] == "given":
        said.append(f"recorded without its settings: replayed with {facts['settings_file']}")
    versions = sorted({run["version"] for run in facts["runs"]} - {facts["version"]})
    if versions:
        said.append(f"recorded by FKS {', '.join(versions)}, replayed by {facts['version']}")
    if facts["account_points_differ"]:
        said.append(
            f"the account differs from the record at {facts['account_points_differ']} of {facts['account_points']} "
            "instants: rulings may have been made on another one"
        )
    return said


def _short(value: Any) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def _instant(text: str, option: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} {text}: write YYYY-MM-DD or YYYY-MM-DDTHH:MM (UTC)") from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
