"""A state that follows the chain: asked again it answers the same, lost or ahead it takes the chain's word."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.desk.lineage import Lineage, Step
from fks_actors.errors import JournalConflict


@dataclass
class Chain:
    """A journal of sums: each commit's state by its id."""

    states: list[tuple[str, int]] = field(default_factory=lambda: [("", 0)])
    loads: int = 0
    works: int = 0

    async def load(self) -> tuple[str, int]:
        self.loads += 1
        return self.states[-1]

    def work(self, state: int, request: int, request_id: str) -> tuple[int, str]:
        self.works += 1
        return state + request, f"{request_id}: {state} + {request}"

    def commit(self, commit_id: str, state: int) -> None:
        self.states.append((commit_id, state))

    def lineage(self) -> Lineage[int, int, str]:
        return Lineage(self.load, self.work)


async def test_answer_when_asked_again_then_the_same_reply_and_no_second_work() -> None:
    chain = Chain()
    held = chain.lineage()
    replies = [await held.answer(Step("a", ""), 5) for _ in range(3)]
    assert replies == ["a: 0 + 5"] * 3
    assert (chain.works, chain.loads) == (1, 1)


async def test_answer_when_the_next_step_builds_on_the_last_then_nothing_is_loaded() -> None:
    chain = Chain()
    held = chain.lineage()
    await held.answer(Step("a", ""), 5)
    assert await held.answer(Step("b", "a"), 2) == "b: 5 + 2"
    assert (await held.current(), chain.loads) == (7, 1)


async def test_answer_when_restarted_then_it_starts_from_the_chain() -> None:
    chain = Chain()
    await chain.lineage().answer(Step("a", ""), 5)
    chain.commit("a", 5)
    assert await chain.lineage().answer(Step("b", "a"), 2) == "b: 5 + 2"
    assert await chain.lineage().current() == 5


async def test_answer_when_its_last_step_was_never_committed_then_it_forgets_it() -> None:
    chain = Chain()
    held = chain.lineage()
    await held.answer(Step("a", ""), 5)  # the coordinator dies before it can commit
    assert await held.answer(Step("a", ""), 6) == "a: 0 + 6"
    assert await held.answer(Step("other", ""), 1) == "other: 0 + 1"
    assert await held.current() == 1


async def test_answer_when_the_chain_moved_on_without_it_then_it_catches_up() -> None:
    chain = Chain()
    held = chain.lineage()
    await held.answer(Step("a", ""), 5)
    chain.commit("a", 5)
    chain.commit("b", 50)
    assert await held.answer(Step("c", "b"), 1) == "c: 50 + 1"


@pytest.mark.parametrize("after", ["unknown", "b"])
async def test_answer_when_the_caller_builds_elsewhere_then_a_conflict_and_nothing_changes(after: str) -> None:
    chain = Chain()
    chain.commit("a", 5)
    held = chain.lineage()
    for _ in range(2):
        with pytest.raises(JournalConflict, match=f"asked to build on '{after}', the journal holds 'a'"):
            await held.answer(Step("x", after), 1)
    assert chain.works == 0
    assert await held.answer(Step("b", "a"), 1) == "b: 5 + 1"


async def test_answer_when_the_work_fails_then_the_state_is_as_before() -> None:
    chain = Chain()

    def work(state: int, request: int, request_id: str) -> tuple[int, str]:
        if request < 0:
            raise ValueError(request)
        return chain.work(state, request, request_id)

    held: Lineage[int, int, str] = Lineage(chain.load, work)
    await held.answer(Step("a", ""), 5)
    with pytest.raises(ValueError, match="-1"):
        await held.answer(Step("b", "a"), -1)
    assert await held.answer(Step("b", "a"), 1) == "b: 5 + 1"


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["commit", "again", "restart", "lost"])), max_size=30))
async def test_answer_when_calls_are_lost_and_repeated_then_the_sum_of_what_was_committed(
    moves: list[tuple[int, str]],
) -> None:
    chain = Chain()
    held = chain.lineage()
    total = 0
    for number, (amount, fate) in enumerate(moves):
        head = chain.states[-1][0]
        step = Step(f"c{number}", head)
        reply = await held.answer(step, amount)
        assert reply == f"c{number}: {total} + {amount}"
        if fate == "lost":
            continue
        if fate == "restart":
            held = chain.lineage()
        if fate in ("again", "restart"):
            assert await held.answer(step, amount) == reply
        total += amount
        chain.commit(step.request_id, await held.current())
    assert chain.states[-1][1] == total
