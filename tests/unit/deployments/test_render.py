from decimal import Decimal

from deployments import render
from fks_actors.model.account import Account, Position
from fks_actors.risk.messages import Reservation, RiskState
from tests.fake_desk import HALF_BLIND

BTC = "BTC/USDT"


def state() -> RiskState:
    return RiskState(
        {
            "paper": Account(Decimal(100), {BTC: Position(BTC, Decimal(1), Decimal(100))}, Decimal(2)),
            "binance": Account(Decimal(50), {BTC: Position(BTC, Decimal(3), Decimal(120))}, Decimal(1)),
            "okx": Account(Decimal(7)),
        },
        {
            "b": Reservation("paper", BTC, Decimal(60), Decimal(0), Decimal("0.5")),
            "s": Reservation("binance", BTC, Decimal(0), Decimal(2), Decimal(3), "t"),
        },
        {BTC: Decimal(110)},
    )


def test_account_when_there_are_several_venues_then_tells_the_sum_and_each() -> None:
    shown = render.account(state())
    assert (shown["cash"], shown["exposure"], shown["equity"], shown["fees"]) == ("157", "440", "597", "3")
    assert shown["unrealised"] == "-20"
    assert [(v["venue"], v["cash"], v["exposure"], v["equity"], v["reserved"]) for v in shown["venues"]] == [
        ("binance", "50", "330", "380", "0"),
        ("okx", "7", "0", "7", "0"),
        ("paper", "100", "110", "210", "60"),
    ]


def test_positions_when_a_symbol_lies_at_several_venues_then_is_one_row_that_says_where() -> None:
    (row,) = render.positions(state())
    assert (row["quantity"], row["entry_price"], row["value"]) == ("4", "115", "440")
    assert row["venues"] == {"binance": "3", "paper": "1"}


def test_risk_when_orders_are_unfinished_then_each_reservation_names_its_venue() -> None:
    rows = render.risk(state(), ())["reservations"]
    assert [(r["venue"], r["quote"], r["base"], r["left"], r["oco_id"]) for r in rows] == [
        ("paper", "60", "0", "0.5", ""),
        ("binance", "0", "2", "3", "t"),
    ]


def test_status_when_the_desk_tells_of_its_data_then_it_is_shown_and_else_nothing_is_paused() -> None:
    told = render.status("0", "paper", None, None, {"quality": HALF_BLIND}, {})["quality"]
    assert told == HALF_BLIND
    silent = render.status("0", "paper", None, None, None, {})["quality"]
    assert (silent["paused"], silent["sources"]) == (False, [])
