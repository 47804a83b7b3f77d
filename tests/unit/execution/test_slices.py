import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.errors import InvariantError
from fks_actors.execution.config import PaperConfig, default_rules
from fks_actors.execution.filters import check
from fks_actors.execution.ids import client_order_id
from fks_actors.execution.slices import (
    Piece,
    Slice,
    due_ms,
    is_over,
    least,
    next_due_ms,
    next_iceberg,
    next_twap,
    slice_id,
    slice_of,
    slot,
    traded,
)
from fks_actors.model.orders import ZERO, OrderIntent, OrderType, Side
from tests.unit.execution.cases import BTC, T0, order

RULES = default_rules(BTC, PaperConfig())
STEP = RULES.step
PRICE = Decimal(100)
MINUTE_MS = 60_000


def twap(quantity: str = "1", slices: int = 4, duration_ms: int = 4 * MINUTE_MS) -> OrderIntent:
    figures = {"slices": slices, "duration_ms": duration_ms, "ts_ms": T0}
    return order(quantity=quantity, order_type=OrderType.TWAP, **figures).intent


def iceberg(quantity: str, display: str, price: str = "100") -> OrderIntent:
    figures = {"display_quantity": Decimal(display), "limit_price": Decimal(price)}
    return order(Side.BUY, quantity, order_type=OrderType.ICEBERG, **figures).intent


def whole(piece: Piece) -> Slice:
    return Slice(piece.k, piece.quantity, piece.quantity, ended=True)


@given(st.text(min_size=1), st.integers(0, 9_999_999))
def test_slice_id_when_made_of_a_desks_order_then_fits_every_venue_and_reads_back(origin: str, k: int) -> None:
    parent = client_order_id(origin, 0)
    made = slice_id(parent, k)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,36}", made)
    assert slice_of(made) == (parent, k)
    assert slice_of(parent) is None


@pytest.mark.parametrize(("parent", "k"), [("fks-a", -1), ("fks-a_1", 0), ("f" * 35, 0), ("", 0), ("fks a", 0)])
def test_slice_id_when_it_would_not_fit_or_read_back_then_raises(parent: str, k: int) -> None:
    with pytest.raises(InvariantError):
        slice_id(parent, k)


@pytest.mark.parametrize("odd", ["fks-a", "fks_a_1", "fks-a_", "_1", "fks-a_-1", "fks-a_1x", "", "fks-a_²"])
def test_slice_of_when_the_id_is_no_slices_then_is_none(odd: str) -> None:
    assert slice_of(odd) is None


@pytest.mark.parametrize(
    ("quantity", "display", "shown"),
    [
        ("1", "0.4", ["0.4", "0.4", "0.2"]),
        ("1", "1", ["1"]),
        ("0.5", "2", ["0.5"]),
        ("0.41", "0.2", ["0.2", "0.105", "0.105"]),  # 0.01 alone would be worth 1, below the least notional of 5
        ("0.20001", "0.2", ["0.1", "0.10001"]),
    ],
)
def test_iceberg_when_each_slice_fills_then_shows_the_next(quantity: str, display: str, shown: list[str]) -> None:
    intent = iceberg(quantity, display)
    slices: list[Slice] = []
    while piece := next_iceberg(intent, slices, RULES):
        slices.append(whole(piece))
    assert [s.quantity for s in slices] == [Decimal(q) for q in shown]
    assert [s.k for s in slices] == list(range(len(shown)))


def test_iceberg_when_a_slice_works_then_nothing_is_sent() -> None:
    intent = iceberg("1", "0.4")
    assert next_iceberg(intent, [Slice(0, Decimal("0.4"), Decimal("0.1"))], RULES) is None
    ended = [Slice(0, Decimal("0.4"), Decimal("0.1"), ended=True)]
    assert next_iceberg(intent, ended, RULES) == Piece(1, Decimal("0.4"))


def test_iceberg_when_it_lacks_its_figures_then_raises() -> None:
    with pytest.raises(InvariantError):
        next_iceberg(order().intent, [], RULES)


fills = st.lists(st.integers(0, 100), max_size=300)


@given(st.integers(10_000, 500_000), st.integers(10_000, 500_000), fills)
def test_iceberg_when_slices_fill_as_they_like_then_never_shows_too_much_nor_too_little_and_never_overtrades(
    quantity: int, display: int, shares: list[int]
) -> None:
    intent = iceberg(str(quantity * STEP), str(display * STEP))
    if check(intent, RULES):
        return
    slices: list[Slice] = []
    for share in shares:
        piece = next_iceberg(intent, slices, RULES)
        assert piece == next_iceberg(intent, tuple(slices), RULES)
        if piece is None:
            assert intent.quantity - traded(slices) < least(PRICE, RULES)
            break
        assert least(PRICE, RULES) <= piece.quantity <= intent.display_quantity
        assert not piece.quantity % STEP
        filled = RULES.floor_quantity(piece.quantity * share / 100)
        slices.append(Slice(piece.k, piece.quantity, filled, ended=True))
        assert traded(slices) <= intent.quantity


def test_twap_when_each_slice_fills_in_time_then_sizes_differ_by_a_step_at_most_and_sum_up() -> None:
    intent = twap("1", 3, 3 * MINUTE_MS)
    slices: list[Slice] = []
    for k in range(3):
        assert next_twap(intent, slices, PRICE, RULES, due_ms(intent, k) - 1) is None
        piece = next_twap(intent, slices, PRICE, RULES, due_ms(intent, k))
        assert piece is not None
        slices.append(whole(piece))
        assert next_twap(intent, slices, PRICE, RULES, due_ms(intent, k)) is None
    assert [s.quantity for s in slices] == [Decimal("0.33333"), Decimal("0.33333"), Decimal("0.33334")]
    assert is_over(intent, slices, PRICE, RULES, due_ms(intent, 2))


def test_twap_when_a_slice_is_left_in_part_then_the_next_carries_the_rest() -> None:
    intent = twap()
    first = Slice(0, Decimal("0.25"), Decimal("0.1"), ended=True)
    assert next_twap(intent, [first], PRICE, RULES, T0 + MINUTE_MS) == Piece(1, Decimal("0.4"))
    working = Slice(0, Decimal("0.25"), Decimal("0.1"))
    assert next_twap(intent, [working], PRICE, RULES, T0 + MINUTE_MS) is None


def test_twap_when_slices_were_missed_then_the_newest_that_is_due_makes_up_for_them() -> None:
    assert next_twap(twap(), [], PRICE, RULES, T0 + 2 * MINUTE_MS + 1) == Piece(2, Decimal("0.75"))


def test_twap_when_a_slice_is_below_the_least_then_waits_for_the_next() -> None:
    intent = twap("0.1", 4)  # slices worth 2.5 where the venue takes no less than 5
    assert next_twap(intent, [], PRICE, RULES, T0) is None
    assert next_twap(intent, [], PRICE, RULES, T0 + MINUTE_MS) == Piece(1, Decimal("0.05"))


def test_twap_when_the_last_slice_would_be_too_small_then_the_one_before_waits_for_it() -> None:
    intent = twap("0.09", 3)  # 0.03 each, worth 3: two together can be sent, the third alone cannot
    assert next_twap(intent, [], PRICE, RULES, due_ms(intent, 1)) is None
    assert next_twap(intent, [], PRICE, RULES, due_ms(intent, 2)) == Piece(2, Decimal("0.09"))


def test_twap_when_the_last_slice_is_left_in_part_then_is_tried_again_until_its_time_is_over() -> None:
    intent = twap()
    slices = [Slice(3, Decimal(1), Decimal("0.5"), ended=True)]
    assert next_twap(intent, slices, PRICE, RULES, T0 + 4 * MINUTE_MS - 1) is None
    assert next_twap(intent, slices, PRICE, RULES, T0 + 4 * MINUTE_MS) == Piece(4, Decimal("0.5"))
    slices.append(Slice(7, Decimal("0.5"), ended=True))
    assert next_twap(intent, slices, PRICE, RULES, T0 + 90 * MINUTE_MS) is None
    assert is_over(intent, slices, PRICE, RULES, T0 + 90 * MINUTE_MS)
    assert next_due_ms(intent, T0 + 90 * MINUTE_MS) is None


def test_twap_when_a_working_slice_remains_or_time_does_then_is_not_over() -> None:
    intent = twap()
    assert not is_over(intent, [], PRICE, RULES, T0)
    assert not is_over(intent, [Slice(3, Decimal(1), Decimal("0.99"))], PRICE, RULES, T0 + 3 * MINUTE_MS)
    assert is_over(intent, [Slice(3, Decimal(1), Decimal("0.99"), ended=True)], PRICE, RULES, T0 + 3 * MINUTE_MS)


@given(st.integers(1, 100), st.integers(1, 10_000_000), st.integers(0, 30_000_000))
def test_slot_when_time_passes_then_is_the_newest_that_is_due(slices: int, duration_ms: int, passed: int) -> None:
    intent = twap("1", slices, max(duration_ms, slices))
    k = slot(intent, T0 + passed)
    assert 0 <= k < 2 * slices
    assert due_ms(intent, k) <= T0 + passed
    following = next_due_ms(intent, T0 + passed)
    assert following == (due_ms(intent, k + 1) if k + 1 < 2 * slices else None)
    assert following is None or following > T0 + passed
    assert slot(intent, T0 - 1) == -1


@given(
    st.integers(5_000, 3_000_000),
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 100), st.integers(4_000, 25_000)), max_size=200),
)
def test_twap_when_anything_happens_then_is_never_ahead_never_over_and_goes_on_the_same_after_a_restart(
    quantity: int, count: int, story: list[tuple[int, int, int]]
) -> None:
    intent = twap(str(quantity * STEP), count, count * 10_000)
    slices: list[Slice] = []
    now_ms = T0
    for passed_ms, share, cents in story:
        now_ms += passed_ms
        price = Decimal(cents) / 100
        piece = next_twap(intent, slices, price, RULES, now_ms)
        assert piece == next_twap(intent, tuple(slices), price, RULES, now_ms)
        if piece is None:
            continue
        assert piece.k > max((s.k for s in slices), default=-1)
        assert least(price, RULES) <= piece.quantity
        assert not piece.quantity % STEP
        on_schedule = intent.quantity * min(piece.k + 1, count) / count
        assert traded(slices) + piece.quantity <= on_schedule
        filled = RULES.floor_quantity(piece.quantity * share / 100)
        slices.append(Slice(piece.k, piece.quantity, filled, ended=True))
    assert ZERO <= traded(slices) <= intent.quantity
