"""The document as one HTML page that needs nothing else: no network, no file beside it, no script but its own.

Every text comes through the template engine's escaping; names, warnings and refusals are others' words. The content
policy names the hashes of the page's two scripts and its style, so nothing that slipped through could run. The charts
are drawn by TradingView's Lightweight Charts (Apache-2.0), whose notice stays in the page.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps

from fks_actors.backtest.report import wording
from fks_actors.backtest.report.document import Bounds, Document, Figures

_ROOM = "fks_actors.backtest.report"


@dataclass(frozen=True, slots=True)
class Row:
    """A figure's row of the table: how it is called, read and written; `good` colours it by its sign."""

    label: str
    read: Callable[[Figures], Any]
    write: Callable[[Any], str]
    bound: str = ""
    good: bool = False


ROWS = (
    Row("Final equity", lambda f: f.final, wording.money),
    Row("Total return", lambda f: f.total, wording.gain, "total", True),
    Row("Annual return", lambda f: f.annual, wording.gain, "annual", True),
    Row("Volatility a year", lambda f: f.volatility, wording.percent, "volatility"),
    Row("Sharpe", lambda f: f.sharpe, wording.number, "sharpe", True),
    Row("Sortino", lambda f: f.sortino, wording.number, "sortino", True),
    Row("Calmar", lambda f: f.calmar, wording.number, good=True),
    Row("Max drawdown", lambda f: f.drawdown, wording.percent),
    Row("… from peak to recovery", lambda f: f.drawdown_ms or None, wording.span),
    Row("Longest drawdown", lambda f: f.longest_drawdown_ms or None, wording.span),
    Row("Time exposed", lambda f: f.time_exposed, wording.percent),
    Row("Mean exposure", lambda f: f.mean_exposure, wording.percent),
    Row("Turnover a year", lambda f: f.turnover, wording.times),
    Row("Round trips", lambda f: f.trades, wording.count),
    Row("Win rate", lambda f: f.win_rate, wording.percent, "win_rate"),
    Row("Profit factor", lambda f: f.profit_factor, wording.number, "profit_factor"),
    Row("Expectancy a trip", lambda f: f.expectancy, wording.profit, "expectancy", True),
    Row("Mean time held", lambda f: f.held_ms, wording.span),
    Row("Fees", lambda f: f.fees, wording.money),
)
"""What the table of figures shows, in order."""


def page(document: Document) -> str:
    """The page."""
    code, style, charts = _part("page.js"), _part("page.css"), _charts()
    policy = (
        f"default-src 'none'; script-src {_hash(charts)} {_hash(code)}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    template = _environment().get_template("page.html.j2")
    return template.render(
        d=document,
        rows=ROWS,
        tone=_tone(document),
        interval=_interval,
        policy=policy,
        code=code,
        style=style,
        charts=charts,
        data=htmlsafe_json_dumps(_data(document), dumps=json.dumps, separators=(",", ":")),
    )


def _tone(document: Document) -> str:
    """Which colour the verdict has: a loss, a result that a baseline was as good as, or neither."""
    own, *others = (column.figures.total or 0.0 for column in document.figures)
    if document.loses:
        return "down"
    return "up" if all(own > other for other in others) else "warn"


def _interval(document: Document, row: Row) -> str:
    found: Bounds | None = document.sureness.bounds.get(row.bound)
    if found is None:
        return ""
    return f"{row.write(_as_given(row, found.low))} … {row.write(_as_given(row, found.high))}"


def _as_given(row: Row, value: float) -> Any:
    return f"{value:.8f}" if row.bound == "expectancy" else value


def _data(document: Document) -> dict[str, Any]:
    """What the charts are drawn from; times in seconds, as the library takes them."""
    equity, drawdown = document.equity, document.drawdown
    return {
        "equity": {
            "times": [at / 1000 for at in equity.times_ms],
            "lines": [{"name": line.name, "values": line.values} for line in equity.lines],
        },
        "drawdown": {
            "times": [at / 1000 for at in drawdown.times_ms],
            "lines": [{"name": name, "values": values} for name, values in drawdown.lines],
        },
        "prices": msgspec.to_builtins(document.prices),
    }


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def _part(name: str) -> str:
    return files(_ROOM).joinpath("page", name).read_text("utf-8")


@cache
def _charts() -> str:
    """The library as the installed package has it, its notice of copyright included."""
    return files("litecharts").joinpath("js", "lightweight-charts.js").read_text("utf-8")


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader(_ROOM, "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update({name: getattr(wording, name) for name in wording.FILTERS})
    return found
