"""At any instant one holder at most, and an epoch for every grant."""

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fks_actors.errors import InvariantError
from fks_actors.journal.lease import FREE, Lease, acquire, holds, release, renew

NOW = 1_733_100_000_000
HOLDERS = st.sampled_from(["a", "b", "c"])
TTL = st.integers(1, 50)


def test_acquire_when_nobody_held_it_then_it_is_the_first_epoch() -> None:
    assert acquire(FREE, "a", NOW, 10) == Lease("a", 1, NOW + 10)
    assert not holds(FREE, 0)


def test_acquire_when_another_holds_it_then_it_is_refused_until_the_end() -> None:
    held = Lease("a", 4, NOW + 10)
    assert acquire(held, "b", NOW + 9, 10) is None
    assert acquire(held, "b", NOW + 10, 10) == Lease("b", 5, NOW + 20)


def test_acquire_when_the_holder_is_dead_then_its_end_is_not_waited_for() -> None:
    held = Lease("a", 4, NOW + 10)
    assert acquire(held, "b", NOW, 10, lambda name: name == "a") == Lease("b", 5, NOW + 10)
    assert acquire(held, "b", NOW, 10, lambda name: name == "c") is None


def test_acquire_when_the_holder_was_restarted_then_its_former_self_is_fenced() -> None:
    assert acquire(Lease("a", 4, NOW + 10), "a", NOW, 10) == Lease("a", 5, NOW + 10)


def test_renew_when_it_is_this_grants_then_the_end_moves_on_and_never_back() -> None:
    held = Lease("a", 4, NOW + 10)
    assert renew(held, "a", 4, NOW + 5, 10) == Lease("a", 4, NOW + 15)
    assert renew(held, "a", 4, NOW - 500, 10) == held
    assert renew(held, "a", 4, NOW + 99, 10) == Lease("a", 4, NOW + 109)


@pytest.mark.parametrize(("holder", "epoch"), [("b", 4), ("a", 3), ("a", 5)])
def test_renew_when_the_grant_is_another_one_then_it_is_refused(holder: str, epoch: int) -> None:
    held = Lease("a", 4, NOW + 10)
    assert renew(held, holder, epoch, NOW, 10) is None
    assert release(held, holder, epoch) is None


def test_release_when_it_is_this_grants_then_the_next_has_a_new_epoch() -> None:
    freed = release(Lease("a", 4, NOW + 10), "a", 4)
    assert freed == Lease("", 4, 0)
    assert renew(freed, "a", 4, NOW, 10) is None
    assert release(freed, "", 4) is None
    assert acquire(freed, "b", NOW, 10) == Lease("b", 5, NOW + 10)


@pytest.mark.parametrize(("holder", "ttl_ms"), [("", 10), ("a", 0), ("a", -1)])
def test_acquire_when_the_lease_would_be_nobodys_or_not_last_then_it_is_a_bug(holder: str, ttl_ms: int) -> None:
    with pytest.raises(InvariantError):
        acquire(FREE, holder, NOW, ttl_ms)
    with pytest.raises(InvariantError):
        renew(FREE, holder, 0, NOW, ttl_ms)


@dataclass
class Process:
    """What a holder believes: the last grant that it heard of."""

    lease: Lease | None = None
    dead: bool = False


class Holders(RuleBasedStateMachine):
    """Processes that take, keep, lose and give up one lease; a killed one comes back and remembers nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.held = FREE
        self.processes = {name: Process() for name in "abc"}
        self.epochs: list[int] = []

    @rule(who=HOLDERS, ttl=TTL)
    def acquire(self, who: str, ttl: int) -> None:
        found = acquire(self.held, who, self.now, ttl, lambda name: self.processes[name].dead)
        if found is not None:
            self.held = found
            self.epochs.append(found.epoch)
            self.processes[who] = Process(found)

    @rule(who=HOLDERS, ttl=TTL)
    def renew(self, who: str, ttl: int) -> None:
        mine = self.processes[who].lease
        if mine is not None:
            found = renew(self.held, who, mine.epoch, self.now, ttl)
            self.held = found or self.held
            self.processes[who].lease = found

    @rule(who=HOLDERS)
    def release(self, who: str) -> None:
        mine = self.processes[who].lease
        if mine is not None:
            self.held = release(self.held, who, mine.epoch) or self.held
            self.processes[who].lease = None

    @rule(who=HOLDERS)
    def kill(self, who: str) -> None:
        self.processes[who] = Process(dead=True)

    @rule(ms=st.integers(0, 40))
    def wait(self, ms: int) -> None:
        self.now += ms

    @invariant()
    def at_most_one_live_process_believes_that_it_holds(self) -> None:
        believers = [n for n, p in self.processes.items() if p.lease is not None and holds(p.lease, self.now)]
        assert len(believers) <= 1
        assert all(self.held.holder == name for name in believers)

    @invariant()
    def epochs_rise_by_one(self) -> None:
        assert self.epochs == list(range(1, len(self.epochs) + 1))
        assert self.held.epoch == len(self.epochs)


TestHolders = Holders.TestCase
TestHolders.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
