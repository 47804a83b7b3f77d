"""Who may send orders: the holder of the newest lease, until it runs out, and nobody after the desk fell silent.

Reading, cancelling and protecting (a stop that was accepted before) need no lease: they never add risk.
"""

from fks_actors.errors import Fenced


class Lease:
    """The newest lease that was shown. Epoch 0 and until 0: none is asked for."""

    def __init__(self) -> None:
        self.epoch = 0
        self.until_ms = 0
        self.first_until_ms = 0
        self.shown = False
        self._silent = False

    def show(self, epoch: int, until_ms: int, now_ms: int) -> None:
        """A step came with this lease.

        Raises:
            Fenced: a newer one was shown before, or it has run out.
        """
        if epoch < self.epoch:
            raise Fenced(f"the lease of epoch {epoch} was taken over by epoch {self.epoch}")
        if until_ms and now_ms > until_ms:
            raise Fenced(f"the lease of epoch {epoch} ran out {now_ms - until_ms} ms ago")
        self.first_until_ms = self.first_until_ms or until_ms
        late = epoch == self.epoch and until_ms != 0  # a step that was asked before the renewal may come after it
        self.until_ms = max(self.until_ms, until_ms) if late else until_ms
        self.epoch, self.shown, self._silent = epoch, True, False

    def silence(self) -> None:
        """The desk has not been heard for too long: send nothing until it shows a lease again."""
        self._silent = True

    def check(self, now_ms: int) -> None:
        """Ask right before an order leaves.

        Raises:
            Fenced: nobody holds the lease now.
        """
        if not self.shown:
            raise Fenced("no lease was shown since the connector started")
        if self._silent:
            raise Fenced("the desk fell silent")
        if self.until_ms and now_ms > self.until_ms:
            raise Fenced(f"the lease of epoch {self.epoch} ran out {now_ms - self.until_ms} ms ago")

    def holds(self, now_ms: int) -> bool:
        """Whether an order could leave now."""
        try:
            self.check(now_ms)
        except Fenced:
            return False
        return True
