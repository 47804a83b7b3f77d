"""`fks decide`: every mind's vote, what it weighed, the parts of the score, and the debate over it, as tables of text.

What a model said is printed without what a terminal would act upon.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from fks_actors.cli.ask import Json, at
from fks_actors.cli.session import console, open_client, print_json, spoken

_PARTS = {
    "debate": "the votes, each by confidence and weight",
    "asmbtr": "the state model, half of the hybrid unless configured otherwise",
    "sentiment": "the news, on top of the hybrid",
    "models": "how far the debate moved it",
}


@spoken
def decide(
    symbol: Annotated[str, typer.Argument(help="For example BTC/USDT.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Show every mind's numbers and weight, the score's parts and the debate.")
    ] = False,
    json: Json = False,
) -> None:
    """What the minds say of the last bar of SYMBOL, and a debate over it. Nothing is traded."""
    with open_client() as client:
        answer = client.decide(symbol)
    if json:
        print_json(answer)
        return
    console.print(*headline(answer))
    console.print(votes_table(answer["votes"], explain))
    if explain:
        for part in explained(answer):
            console.print()
            console.print(part)


def headline(answer: dict[str, Any]) -> tuple[RenderableType, ...]:
    """What is wanted, and by how much."""
    verdict = answer["verdict"]
    return (
        Text(answer["symbol"], "bold"),
        f"{verdict['action'].upper()}  strength {verdict['strength']:.2f} (needs {verdict['threshold']:.2f}), "
        f"net {verdict['net']:+.2f}, bar closed {at(answer['close_ms'])} UTC",
    )


def votes_table(votes: list[dict[str, Any]], explain: bool) -> Table:
    """One row a mind."""
    columns = ("mind", "vote", "confidence", *(("weight",) if explain else ()), "reason")
    table = Table(*columns, box=None, pad_edge=False)
    for vote in votes:
        reason = vote["reason"] or vote["abstained"]
        if explain and vote["facts"]:
            reason += "\n" + "  ".join(f"{name}={value:.6g}" for name, value in vote["facts"].items())
        weight = (_figure(vote["weight"]),) if explain else ()
        table.add_row(vote["agent"], vote["action"], _figure(vote["confidence"]), *weight, reason)
    return table


def explained(answer: dict[str, Any]) -> Iterator[RenderableType]:
    """The parts of the score, then the debate."""
    verdict, debate = answer["verdict"], answer["debate"]
    if verdict["scores"]:
        yield scores_table(verdict)
    if debate is None:
        yield "no debate"
        return
    yield debate_line(debate)
    yield turns_table(debate["turns"])


def scores_table(verdict: dict[str, Any]) -> Table:
    """One row a part, the final score last."""
    table = Table("part of the score", "-1 sell..1 buy", "", box=None, pad_edge=False)
    for name, score in verdict["scores"].items():
        if name != "final":
            table.add_row(name, f"{score:+.3f}", _PARTS.get(name, ""))
    final = verdict["scores"].get("final", 0.0)
    acts = "enough" if abs(final) >= verdict["threshold"] else "not enough"
    table.add_row(Text("final", "bold"), f"{final:+.3f}", f"{acts}: {verdict['threshold']:.2f} is needed to act")
    return table


def debate_line(debate: dict[str, Any]) -> str:
    """Why it was held, what it changed, what it cost."""
    judged = "no judgement, the score stays" if debate["judged"] is None else f"judged {debate['judged']:+.3f}"
    return (
        f"debate ({', '.join(debate['triggers'])}): {debate['before']:+.3f} before, {judged}, "
        f"{debate['after']:+.3f} after; {_seconds(debate['duration_ms'])}, cost {_usd(debate['cost_usd'])}"
    )


def turns_table(turns: list[dict[str, Any]]) -> Table:
    """One row a turn: who, by which model, at what cost, how long, and the words."""
    table = Table("who", "score", "provider/model", "cost", "time", "said", box=None, pad_edge=False)
    for turn in turns:
        call = turn["call"]
        said = printable(turn["text"]) or f"({call['outcome'].replace('_', ' ')}: {printable(call['detail'])})"
        if turn["cites"]:
            said += "\nrests on " + ", ".join(printable(name) for name in turn["cites"])
        score = "" if turn["score"] is None else f"{turn['score']:+.2f}"
        who, by = f"{turn['role']} {turn['round']}", "/".join(filter(None, (call["provider"], call["model"])))
        if call["outcome"] in {"cached", "repaired"}:
            by += f" ({call['outcome']})"
        table.add_row(who, score, by or "-", _usd(call["cost_usd"]), _seconds(call["latency_ms"]), said)
    return table


def printable(text: str) -> str:
    """The text without anything that moves a cursor, rings a bell or hides."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _usd(amount: str) -> str:
    return f"${Decimal(amount).normalize():f}"


def _seconds(ms: int) -> str:
    return f"{ms / 1_000:.2f} s"
