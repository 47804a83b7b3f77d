"""`fks`: every command, and nothing heavy: what a command needs is imported when it runs."""

import typer

from fks_actors import __version__
from fks_actors.cli import (
    ask,
    backtest,
    compare,
    data,
    exchange_sim,
    explain,
    facts,
    jobs,
    lifecycle,
    optimize,
    orders,
    replay,
    shadows,
)
from fks_actors.cli.session import EXITS

app = typer.Typer(
    name="fks",
    help="A trading platform made of Ray actors. Paper trading is the default; `fks up` starts it.",
    epilog=EXITS,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("up")(lifecycle.up)
app.command("down")(lifecycle.down)
app.command("status")(facts.status)
app.command("doctor")(facts.doctor)
app.command("decide")(explain.decide)
app.command("signal")(ask.signal)
app.command("watch")(lifecycle.watch)
app.command("halt")(ask.halt)
app.command("reduce")(ask.reduce)
app.command("resume")(ask.resume)
app.command("agents")(ask.agents)
app.command("shadows")(shadows.shadows)
app.command("backtest")(backtest.backtest)
app.command("compare")(compare.compare)
app.command("replay")(replay.replay)
app.command("optimize")(optimize.optimize)
app.command("jobs")(jobs.jobs)
app.command("exchange-sim")(exchange_sim.exchange_sim)
app.command("config")(facts.config)
app.add_typer(orders.orders, name="orders")
app.add_typer(data.data, name="data")
app.add_typer(facts.journal, name="journal")


@app.command("version")
def version() -> None:
    """The installed version."""
    typer.echo(__version__)


def main() -> None:
    """Entry point of the `fks` script."""
    app()
