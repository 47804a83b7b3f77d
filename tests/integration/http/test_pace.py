"""What keeps an alert cheap: one timer for many limits, and things that are done soon, once for all who ask."""

import asyncio
import contextlib

import pytest

from deployments.deadline import Deadline
from deployments.gateway import Soon


async def _until(what: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await what.wait()


async def test_limit_when_the_block_is_quick_then_nothing_happens() -> None:
    deadline = Deadline(0.01)
    with deadline.limit():
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_limit_when_blocks_hang_then_each_ends_with_a_timeout() -> None:
    deadline = Deadline(0.02)

    async def hang() -> str:
        try:
            with deadline.limit():
                await asyncio.Event().wait()
        except TimeoutError:
            return "late"
        return "never"

    async with asyncio.timeout(5):
        assert await asyncio.gather(*(hang() for _ in range(20))) == ["late"] * 20
        assert await hang() == "late"


async def test_limit_when_the_task_is_cancelled_then_it_stays_cancelled() -> None:
    deadline = Deadline(5)
    begun = asyncio.Event()

    async def hang() -> None:
        with deadline.limit():
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await _until(begun)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_limit_when_the_block_fails_then_its_own_error_is_raised() -> None:
    with pytest.raises(ValueError, match="own"), Deadline(5).limit():
        raise ValueError("own")


async def test_soon_when_many_ask_then_it_is_done_few_times_and_after_the_last_one() -> None:
    asked = 0
    seen: list[int] = []
    last = asyncio.Event()

    async def work() -> None:
        seen.append(asked)
        if asked == 300:
            last.set()

    soon = Soon(work, apart_s=0.002)
    for _ in range(300):
        asked += 1
        soon.ask()
        await asyncio.sleep(0)
    await _until(last)
    assert seen[0] <= 3
    assert len(seen) < 100
    await soon.stop()


async def test_soon_when_the_work_fails_then_the_next_time_it_is_done_again() -> None:
    done = asyncio.Event()
    failed = asyncio.Event()

    async def work() -> None:
        if not failed.is_set():
            failed.set()
            raise OSError("once")
        done.set()

    soon = Soon(work, apart_s=0.001)
    soon.ask()
    await _until(failed)
    soon.ask()
    await _until(done)
    with contextlib.suppress(asyncio.CancelledError):
        await soon.stop()
