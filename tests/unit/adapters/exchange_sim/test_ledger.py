"""The ledger: what a venue that was killed knows again."""

import json
import tempfile
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fks_actors.adapters.exchange_sim.engine import Engine
from fks_actors.adapters.exchange_sim.ledger import Ledger, order_fact
from fks_actors.errors import ConfigError
from fks_actors.model.orders import Side
from tests.unit.adapters.exchange_sim.test_engine_laws import THIN, do, steps
from tests.unit.adapters.exchange_sim.venues import BTC, D, check_books, make_engine, order


def started(path: Path) -> tuple[Engine, Ledger]:
    engine, ledger = make_engine(ladder=THIN), Ledger(path)
    ledger.restore(engine)
    return engine, ledger


def locked(engine: Engine) -> dict[str, Decimal]:
    return {asset: amount for asset, amount in engine.account.locked.items() if amount}


def facts(engine: Engine) -> list[object]:
    return [json.loads(json.dumps(order_fact(o), default=str)) for o in engine.orders.values()]


@given(st.lists(steps, max_size=25))
@settings(max_examples=80)
def test_restore_when_the_venue_was_killed_then_it_goes_on_as_if_it_had_not_been(todo: list[object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        with ExitStack() as stack:
            ledger = stack.enter_context(closing(Ledger(path)))
            engine, again = make_engine(ladder=THIN), make_engine(ladder=THIN)
            ledger.restore(engine)
            for step in todo:
                do(engine, step)
            later = stack.enter_context(closing(Ledger(path)))
            later.restore(again)
            assert facts(again) == facts(engine)
            assert again.trades == engine.trades
            assert again.account.totals == engine.account.totals
            assert locked(again) == locked(engine)
            assert list(again.open) == sorted(engine.open)
            again.move(BTC, D(130_000))
            again.move(BTC, D(70_000))
            check_books(again)


def test_restore_when_the_last_line_is_torn_then_it_never_happened(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    engine, ledger = started(path)
    engine.place(order("LIMIT", Side.BUY, "0.1", "99000", client_id="kept"))
    engine.place(order("LIMIT", Side.BUY, "0.1", "98000", client_id="torn"))
    ledger.close()
    path.write_bytes(path.read_bytes()[:-9])
    again, later = started(path)
    assert [o.request.client_id for o in again.orders.values()] == ["kept"]
    assert again.account.locked["USDT"] == D(9_900)
    again.place(order("LIMIT", Side.BUY, "0.1", "98000", client_id="new"))
    later.close()
    third, last = started(path)
    assert [o.request.client_id for o in third.orders.values()] == ["kept", "new"]
    last.close()


def test_ledger_when_the_file_is_something_else_then_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")
    with pytest.raises(ConfigError, match=r"notes\.txt is no ledger"):
        Ledger(path)
