"""The typed client of the language models' actor."""

from typing import Any, cast

from fks_actors.actors import names
from fks_actors.actors.remote import Remote
from fks_actors.model.debates import Brief, Role, Turn

_WAY_S = 0.05
"""What a call to the actor and back may take of the asker's time."""


class ModelsHandle(Remote):
    """The models. A question is never asked again by itself: it may have been paid for."""

    def __init__(self, namespace: str) -> None:
        super().__init__(names.MODELS, namespace)

    async def speak(self, role: Role, brief: Brief, timeout_s: float) -> Turn:
        """One turn of `role`, within `timeout_s`; without a score where no usable answer came.

        Raises:
            ActorUnavailable: the actor died, or did not answer in time.
        """
        inside_s = max(0.0, timeout_s - min(_WAY_S, timeout_s / 10))
        return cast(Turn, await self.call("speak", role, brief, inside_s, timeout_s=timeout_s, again=False))

    async def recall(self, key: str) -> str | None:
        """The text that a model answered a question with, by its `ModelCall.key`."""
        return cast(str | None, await self.call("recall", key, timeout_s=5.0))

    async def state(self) -> dict[str, Any]:
        """What is left of quotas and budgets, what was spent, and who is left alone for how long."""
        return cast(dict[str, Any], await self.call("state", timeout_s=1.0, again=False))
