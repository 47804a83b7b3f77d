"""What an agent spends in a day never passes its limit, whatever runs side by side and whatever is lost on the way."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fks_actors.errors import InvariantError
from fks_actors.llm.budget import DAY_MS, Ledger, OverBudget, Reservation, likely_tokens, most_tokens, price
from tests.unit.llm.parts import paid, prompt

LIMIT = Decimal(1)
NOW_MS = 1_700_000_000_000
usd = st.decimals(min_value=0, max_value=2, places=9)


def test_reserve_when_another_agent_has_spent_all_then_this_one_may_still() -> None:
    ledger = Ledger(LIMIT)
    assert isinstance(ledger.reserve("1", "bull", "p", LIMIT, NOW_MS), Reservation)
    assert ledger.reserve("2", "bull", "p", Decimal("0.000000001"), NOW_MS) == OverBudget(
        "bull", Decimal("0.000000001"), Decimal(0)
    )
    assert isinstance(ledger.reserve("3", "bear", "p", LIMIT, NOW_MS), Reservation)
    assert ledger.agents() == ("bear", "bull")


def test_reserve_when_the_next_day_comes_then_all_may_be_spent_again_and_yesterdays_calls_cost_today_nothing() -> None:
    ledger = Ledger(LIMIT)
    late = ledger.reserve("1", "bull", "p", LIMIT, NOW_MS)
    assert isinstance(late, Reservation)
    assert isinstance(ledger.reserve("2", "bull", "p", LIMIT, NOW_MS + DAY_MS), Reservation)
    assert ledger.settle(late, Decimal(0))
    assert ledger.left("bull", NOW_MS + DAY_MS) == 0


def test_settle_when_it_cost_more_than_was_reserved_then_nothing_more_that_day_even_after_a_restart() -> None:
    ledger = Ledger(LIMIT)
    made = ledger.reserve("1", "bull", "p", Decimal("0.1"), NOW_MS)
    assert isinstance(made, Reservation)
    assert not ledger.settle(made, Decimal("0.2"))
    again = Ledger(LIMIT, [Reservation("1", "bull", made.day, "p", Decimal("0.1"), Decimal("0.2"))])
    for held in (ledger, again):
        assert held.spent("bull", NOW_MS) == Decimal("0.2")
        assert isinstance(held.reserve("2", "bull", "p", Decimal("0.01"), NOW_MS), OverBudget)
        assert isinstance(held.reserve("3", "bull", "p", Decimal("0.01"), NOW_MS + DAY_MS), Reservation)


def test_settle_when_done_twice_then_it_is_a_fault() -> None:
    ledger = Ledger(LIMIT)
    made = ledger.reserve("1", "bull", "p", LIMIT, NOW_MS)
    assert isinstance(made, Reservation)
    ledger.keep(made)
    with pytest.raises(InvariantError):
        ledger.settle(made, Decimal(0))


@given(st.text(max_size=300), st.integers(0, 4_000), st.integers(0, 1_000))
def test_price_when_a_prompt_is_any_text_then_the_worst_case_bounds_a_token_for_each_byte(
    text: str, tokens_in: int, tokens_out: int
) -> None:
    asked = prompt(text)
    most_in, most_out = most_tokens(asked)
    assert most_in >= len(text.encode(errors="replace")) + len(asked.system)
    assert likely_tokens(asked) <= most_in + most_out
    config = paid("2.5")
    cost = price(config, tokens_in, tokens_out)
    assert cost == Decimal("2.5") * (tokens_in + tokens_out) / 1_000_000
    if tokens_in <= most_in and tokens_out <= most_out:
        assert cost <= price(config, most_in, most_out)


class Spending(RuleBasedStateMachine):
    """Reservations, settlements, losses, restarts and days in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.now_ms, self.count = Ledger(LIMIT), NOW_MS, 0
        self.open: list[Reservation] = []
        self.file: dict[str, Reservation] = {}

    @rule(agent=st.sampled_from(["bull", "bear"]), asked=usd)
    def reserve(self, agent: str, asked: Decimal) -> None:
        self.count += 1
        made = self.ledger.reserve(str(self.count), agent, "p", asked, self.now_ms)
        if isinstance(made, Reservation):
            self.open.append(made)
            self.file[made.id] = made
        else:
            assert asked > made.left

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        made = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        cost = made.usd * data.draw(st.decimals(min_value=0, max_value=1, places=3))
        assert self.ledger.settle(made, cost)
        self.file[made.id] = Reservation(made.id, made.agent, made.day, "p", made.usd, cost)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.ledger.keep(self.open.pop(data.draw(st.integers(0, len(self.open) - 1))))

    @rule()
    def restart(self) -> None:
        self.ledger = Ledger(LIMIT, list(self.file.values()))
        self.open.clear()

    @rule(hours=st.integers(-30, 30))
    def wait(self, hours: int) -> None:
        self.now_ms += hours * 3_600_000

    @invariant()
    def no_agent_passes_the_limit_on_any_day(self) -> None:
        sums: dict[tuple[str, int], Decimal] = {}
        for made in self.file.values():
            key = (made.agent, made.day)
            sums[key] = sums.get(key, Decimal(0)) + (made.usd if made.paid is None else made.paid)
        assert all(total <= LIMIT for total in sums.values())
        for agent in ("bull", "bear"):
            assert 0 <= self.ledger.left(agent, self.now_ms) <= LIMIT
            assert self.ledger.spent(agent, self.now_ms) <= LIMIT


TestSpending = Spending.TestCase
