"""One way to call an actor: by name, with a deadline, repeating only what died and is idempotent.

An actor that is killed comes back by itself in one or two seconds; a caller that names a `timeout_s` longer than that
does not notice more than the delay. Only idempotent methods may be called with `again=True`.
"""

import asyncio
import pickle
import time
from typing import Any

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayError, RayTaskError

from fks_actors.errors import ActorUnavailable, FksError

_PAUSE_S = 0.05


def pack(value: object) -> bytes:
    """A message as bytes: plain pickle is several times faster than what Ray would do with our frozen values."""
    return pickle.dumps(value, protocol=5)


def unpack(data: bytes) -> Any:
    """A message that another actor of this cluster packed; Ray's token guards the way."""
    return pickle.loads(data)  # noqa: S301


class Remote:
    """A named actor, found again after it was replaced."""

    def __init__(self, name: str, namespace: str) -> None:
        self.name = name
        self._namespace = namespace
        self._actor: Any = None

    async def call(self, method: str, *args: object, timeout_s: float, again: bool = True) -> Any:
        """Call `method` and wait for its answer.

        Raises:
            ActorUnavailable: no answer within `timeout_s`, or the actor died and `again` is False; it may have run.
            FksError: what the method itself raised.
        """
        end = time.monotonic() + timeout_s
        while True:
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    return unpack(await self._found().call.remote(method, pack(args)))
            except TimeoutError:
                raise ActorUnavailable(f"{self.name}.{method} did not answer within {timeout_s} s") from None
            except RayTaskError as error:
                raise _cause(error) from None
            except (ActorDiedError, ActorUnavailableError, ValueError) as error:
                self._actor = None
                if not again or time.monotonic() + _PAUSE_S >= end:
                    raise ActorUnavailable(f"{self.name}.{method}: {type(error).__name__}") from error
                await asyncio.sleep(_PAUSE_S)
            except RayError as error:
                raise ActorUnavailable(f"{self.name}.{method}: {error}") from error

    def tell(self, method: str, *args: object) -> None:
        """Call `method` and do not wait; what becomes of it is not known."""
        try:
            self._found().call.remote(method, pack(args))
        except (ValueError, RayError):
            self._actor = None

    def _found(self) -> Any:
        if self._actor is None:
            self._actor = ray.get_actor(self.name, namespace=self._namespace)
        return self._actor


def _cause(error: RayTaskError) -> BaseException:
    cause = getattr(error, "cause", None)
    if isinstance(cause, FksError):
        return cause
    return ActorUnavailable(f"an actor failed: {type(cause or error).__name__}: {cause or error}")
