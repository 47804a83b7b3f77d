"""Several things at once on one event loop, and what went wrong in them."""

import asyncio
from typing import Any


async def concurrently(first: Any, second: Any) -> tuple[Any, Any]:
    """Both at once (desk.ports.Together); of several errors the first."""
    try:
        async with asyncio.TaskGroup() as group:
            one, two = group.create_task(first), group.create_task(second)
    except ExceptionGroup as errors:
        raise flat(errors)[0] from None
    return one.result(), two.result()


def flat(error: BaseException) -> list[BaseException]:
    """The errors inside a group, or the error itself."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in flat(inner)]
