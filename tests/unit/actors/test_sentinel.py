"""Silence counts while the feed is listened to, and at no other time."""

from fks_actors.actors.sentinel import Sentinel


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def looked(sentinel: Sentinel, clock: Clock, looks: int, every_s: float = 1.0) -> bool:
    """Look so many times; the last answer."""
    tripped = False
    for _ in range(looks):
        clock.now += every_s
        tripped = sentinel.look()
    return tripped


def test_feed_when_silent_for_longer_than_the_limit_then_trips() -> None:
    clock = Clock()
    sentinel = Sentinel(5, clock)
    sentinel.listen(True)
    assert not looked(sentinel, clock, 5)
    assert looked(sentinel, clock, 1)
    sentinel.heard()
    assert not looked(sentinel, clock, 5)
    assert looked(sentinel, clock, 1)


def test_feed_when_nobody_listens_then_its_silence_does_not_count() -> None:
    clock = Clock()
    sentinel = Sentinel(5, clock)
    sentinel.listen(True)
    looked(sentinel, clock, 3)
    sentinel.listen(False)
    assert not looked(sentinel, clock, 1_000)
    sentinel.listen(True)
    assert not looked(sentinel, clock, 2)
    assert looked(sentinel, clock, 1)


def test_look_when_the_process_slept_then_the_sleep_is_no_silence() -> None:
    clock = Clock()
    sentinel = Sentinel(5, clock)
    sentinel.listen(True)
    assert not looked(sentinel, clock, 1, every_s=3_600)
    assert not looked(sentinel, clock, 3)
    assert looked(sentinel, clock, 1)


def test_switch_when_the_limit_is_zero_then_never_trips() -> None:
    clock = Clock()
    sentinel = Sentinel(0, clock)
    sentinel.listen(True)
    assert not looked(sentinel, clock, 1_000)
