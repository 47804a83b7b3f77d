"""The live view's plain line and its screen, from a desk of fakes."""

import os
import signal
import time
from io import StringIO

import pytest
from rich.console import Console

from fks_actors.cli.lifecycle import _stopped
from fks_actors.cli.view import _line, _screen, follow
from fks_actors.client import Client
from tests.edge import TOKEN
from tests.fake_desk import HALF_BLIND, FakeDesk
from tests.fakes import Scene
from tests.unit.cli.conftest import Serve


def _shown(client: Client) -> str:
    console = Console(file=StringIO(), width=140, markup=False)
    console.print(_screen(client))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_line_when_the_desk_trades_then_facts_by_name(serve: Serve) -> None:
    scene = Scene(20)
    with Client(serve(reader=scene.reader, desk=scene.desk), TOKEN) as client:
        line = _line(client)
        assert line.startswith("feed=Simulated market, 2 symbols, 1h bars  time=2024-12-01 00:00  equity=")
        assert line.endswith("trading=active  decisions=40")
        shown = _shown(client)
    assert "FKS Actors  PAPER  Simulated market" in shown
    assert "drawdown" in shown
    assert "coordinator" in shown


def test_view_when_no_account_is_known_then_it_waits_without_an_error(serve: Serve) -> None:
    with Client(serve(desk=FakeDesk(feed={"kind": "live", "label": "[/x]"})), TOKEN) as client:
        assert _line(client).startswith("feed=[/x]  time=2024-12-01 00:00  equity=-  trading=active")
        assert "no account is recorded yet" in _shown(client)
        assert "[/x]" in _shown(client)


def test_view_when_the_desk_is_down_or_nobody_answers_then_the_reason_is_shown(serve: Serve) -> None:
    with Client(serve(desk=FakeDesk(down=True)), TOKEN) as client:
        assert "feed=" in _line(client)
        assert "no account" in _shown(client)
    with Client("http://127.0.0.1:9", TOKEN) as client:
        assert _line(client) == "nothing answers at http://127.0.0.1:9; start the desk with `fks up`"
        assert "nothing answers" in _shown(client)


def test_follow_when_it_is_no_terminal_then_plain_lines_until_the_desk_ends(serve: Serve) -> None:
    scene = Scene(5)
    console = Console(file=StringIO(), width=200, markup=False)
    turns = iter([True, False])
    with Client(serve(reader=scene.reader, desk=scene.desk), TOKEN) as client:
        follow(client, console, lambda: next(turns))
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().count("equity=") == 1


def test_view_when_data_fail_then_the_pause_and_its_reason_are_shown(serve: Serve) -> None:
    with Client(serve(desk=FakeDesk(quality=HALF_BLIND)), TOKEN) as client:
        assert "paused: 1 of 2 data sources fail" in _shown(client)


def test_stopped_when_a_signal_comes_while_python_finalises_then_it_is_not_lost() -> None:
    class Dying:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0)  # handlers run between two bytecodes: here, where an exception would be ignored

    with _stopped() as stopped:
        dying = Dying()
        del dying
        assert stopped.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
