"""The commands that ask a desk, over a real loopback port: what they print, what they refuse, how they exit."""

import json
import time
from decimal import Decimal

import pytest

from fks_actors.cli.ask import agents_table, at
from fks_actors.cli.explain import votes_table
from fks_actors.cli.orders import terms
from fks_actors.errors import JournalUnavailable
from fks_actors.model.records import SignalStatus
from tests.cli_runs import fks_here
from tests.edge import NOW_MS
from tests.fake_desk import FakeDesk
from tests.fakes import FakeInbox, FakeReader, Scene
from tests.unit.cli.conftest import Serve


@pytest.mark.parametrize(
    ("desk", "symbol", "said"),
    [
        (FakeDesk(), "BTC/USDT", "fks: 422 invalid_field (symbol): no bar of BTC/USDT was taken in yet\n"),
        (FakeDesk(down=True), "BTC/USDT", "fks: 503 unavailable: the desk does not answer\n"),
        (FakeDesk(), "DOGE/USDT", "fks: 422 symbol_unknown (symbol): this desk does not know that symbol\n"),
    ],
)
def test_decide_when_there_is_nothing_to_say_then_the_reason_on_one_line(
    serve: Serve, desk: FakeDesk, symbol: str, said: str
) -> None:
    serve(desk=desk)
    ran = fks_here("decide", symbol)
    assert (ran.code, ran.err, ran.out) == (1, said, "")


@pytest.mark.parametrize(("command", "state"), [("halt", "halted"), ("reduce", "reducing"), ("resume", "active")])
def test_control_when_the_reason_looks_like_markup_then_it_arrives_and_is_shown_as_it_is(
    serve: Serve, command: str, state: str
) -> None:
    desk = FakeDesk()
    serve(desk=desk)
    ran = fks_here(command, "--reason", "[/bold] :fire: lunch")
    assert (ran.code, ran.out) == (0, f"trading is {state} ([/bold] :fire: lunch)\n")
    assert [entry[1:] for entry in desk.controls] == [(state, "[/bold] :fire: lunch")]
    assert json.loads(fks_here(command, "--json").out) == {"state": state, "reason": "operator"}


def test_control_when_the_reason_is_empty_then_it_is_refused(serve: Serve) -> None:
    serve()
    ran = fks_here("halt", "--reason", "")
    assert (ran.code, ran.err[:31]) == (1, "fks: 422 invalid_field (reason)")


def test_orders_when_there_are_some_then_they_fit_a_pipe_and_filter(serve: Serve) -> None:
    scene = Scene(60)
    serve(reader=scene.reader)
    first = scene.reader.order_rows[0].intent.client_order_id
    ran = fks_here("orders", "--limit", "5")
    assert ran.code == 0
    assert first in ran.out
    assert len(json.loads(fks_here("orders", "--limit", "5", "--json").out)["items"]) == 5
    denied = json.loads(fks_here("orders", "--status", "denied", "--json").out)["items"]
    assert {row["status"] for row in denied} == {"denied"}


def test_orders_when_there_are_none_or_the_filter_is_wrong_then_it_says_so(serve: Serve) -> None:
    serve()
    assert fks_here("orders").out == "no orders\n"
    ran = fks_here("orders", "--status", "lost")
    assert (ran.code, ran.err[:31]) == (1, "fks: 422 invalid_field (status)")
    assert fks_here("orders", "--limit", "0").code == 2


def test_agents_when_one_is_down_then_it_is_told(serve: Serve) -> None:
    serve()
    ran = fks_here("agents")
    assert ran.code == 0
    assert "not answering" in ran.out
    assert len(json.loads(fks_here("agents", "--json").out)) == 8


def test_signal_when_the_desk_settles_it_then_the_outcome_is_shown(serve: Serve) -> None:
    inbox = FakeInbox()
    serve(inbox=inbox, desk=FakeDesk(settles=False), now_ms=_wall_ms)
    ran = fks_here("signal", "--symbol", "BTC/USDT", "--side", "buy", "--quantity", "0.01", "--wait", "1")
    assert (ran.code, ran.out[:8]) == (0, "accepted")
    assert [(s.side, str(s.quantity)) for s in inbox.stored.values()] == [("buy", "0.01")]
    first = fks_here("signal", "--symbol", "BTC/USDT", "--side", "sell", "--id", "k", "--wait", "0", "--json")
    again = fks_here("signal", "--symbol", "BTC/USDT", "--side", "sell", "--id", "k", "--wait", "0", "--json")
    assert [json.loads(ran.out)["status"] for ran in (first, again)] == [SignalStatus.ACCEPTED, "duplicate"]


@pytest.mark.parametrize(
    ("args", "figures"),
    [
        (
            ("--type", "limit", "--price", "100", "--stop-loss", "90", "--take-profit", "120", "--quantity", "1"),
            {"price": 100, "stop_loss": 90, "take_profit": 120, "quantity": 1},
        ),
        (("--trail-pct", "2.5", "--sizing", "risk"), {"trail_pct": Decimal("2.5"), "sizing": "risk"}),
        (
            ("--type", "iceberg", "--price", "9", "--quantity", "5", "--display-quantity", "1", "--exchange", "paper"),
            {"display_quantity": 1, "exchange": "paper"},
        ),
        (("--type", "twap", "--duration", "60", "--slices", "6"), {"duration_s": 60, "slices": 6}),
    ],
)
def test_signal_when_it_has_more_figures_then_they_arrive(
    serve: Serve, args: tuple[str, ...], figures: dict[str, object]
) -> None:
    inbox = FakeInbox()
    serve(inbox=inbox, now_ms=_wall_ms)
    ran = fks_here("signal", "--symbol", "BTC/USDT", "--side", "buy", "--wait", "0", *args)
    assert ran.code == 0, ran.err
    (stored,) = inbox.stored.values()
    assert {name: getattr(stored, name) for name in figures} == figures


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--side", "hold"), "422 invalid_side (side)"),
        (("--side", "buy", "--type", "pegged"), "422 invalid_order_type (order_type)"),
        (("--side", "buy", "--quantity", "-1"), "422 invalid_quantity (quantity)"),
        (("--side", "buy", "--confidence", "0.1"), "422 low_confidence (confidence)"),
        (("--side", "buy", "--type", "oco", "--stop-loss", "1", "--take-profit", "2"), "422 invalid_side (side)"),
        (("--side", "buy", "--exchange", "nowhere"), "422 invalid_field (exchange)"),
        (("--side", "buy", "--sizing", "risk"), "422 missing_field (stop_loss)"),
    ],
)
def test_signal_when_the_webhook_refuses_then_field_and_reason(serve: Serve, args: tuple[str, ...], said: str) -> None:
    serve(now_ms=_wall_ms)
    ran = fks_here("signal", "--symbol", "BTC/USDT", *args)
    assert ran.code == 1
    assert ran.err.startswith(f"fks: {said}")


def test_signal_when_it_cannot_be_stored_then_it_says_send_again(serve: Serve) -> None:
    inbox = FakeInbox()
    inbox.fault = JournalUnavailable("disk full")
    serve(inbox=inbox, now_ms=_wall_ms)
    ran = fks_here("signal", "--symbol", "BTC/USDT", "--side", "buy")
    assert (ran.code, ran.err) == (1, "fks: 503 unavailable: the alert could not be stored; send it again\n")


def test_commands_when_the_secrets_are_others_then_it_says_which_to_set(serve: Serve) -> None:
    serve(token="other", secret="other", now_ms=_wall_ms)
    for args in (("agents",), ("signal", "--symbol", "BTC/USDT", "--side", "buy")):
        ran = fks_here(*args)
        assert (ran.code, ran.err[:21]) == (1, "fks: 401 unauthorized")
        assert "set FKS_API_TOKEN and FKS_WEBHOOK_SECRET" in ran.err


def test_commands_when_the_journal_is_away_then_one_line(serve: Serve) -> None:
    serve(reader=FakeReader(fault=JournalUnavailable("gone")))
    ran = fks_here("orders")
    assert (ran.code, ran.err) == (1, "fks: 503 unavailable: the journal does not answer\n")


def test_tables_when_rows_lack_what_is_not_known_then_they_are_blank() -> None:
    assert agents_table([{"name": "risk", "up": False, "restarts": 0, "state": "not answering"}]).row_count == 1
    assert votes_table([], explain=True).row_count == 0
    assert at(NOW_MS) == "2024-12-12 00:00"


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, ""),
        ({"limit_price": "29000"}, "limit 29000"),
        ({"stop_price": "25000", "oco_id": "fks-2"}, "at 25000, pair"),
        ({"trail_pct": "1.5"}, "trail 1.5%"),
        ({"limit_price": "29000", "display_quantity": "0.1"}, "limit 29000, shows 0.1"),
        ({"duration_ms": 600_000, "slices": 12}, "12 parts in 600 s"),
        ({"duration_ms": 600_000}, "in 600 s"),
    ],
)
def test_terms_when_an_order_has_figures_then_they_are_said(figures: dict[str, object], said: str) -> None:
    bare = dict.fromkeys(("limit_price", "stop_price", "trail_pct", "display_quantity"))
    assert terms({**bare, "oco_id": "", "duration_ms": 0, "slices": 0, **figures}) == said
