"""Every error that FKS Actors raises on purpose.

    FksError
    ├── ConfigError                 fix the named key, file or environment variable
    ├── DataError
    │   ├── DataFileError           fix or replace the named file, at the named line
    │   └── FeedUnavailable         check the network or choose another feed
    ├── JournalError
    │   ├── JournalUnavailable      storage refused: free disk space, check the database, retry
    │   ├── JournalCorrupt          restore a backup or move the file away
    │   └── JournalConflict         another writer moved the head: recover from the journal, never overwrite
    ├── VenueError
    │   ├── VenueRejected           the venue refused this order for good: do not resend
    │   ├── Fenced                  another desk holds the lease: stop submitting, take the lease anew
    │   └── VenueUnavailable        outcome unknown: look the order up by its client id
    ├── ModelUnavailable            a language model did not answer: ask the next one, or go by the rules
    ├── NewsUnavailable             a news source did not answer: ask again later
    ├── StrategyOverrun             a user's strategy took too long on a bar of a run: mend it, or raise its limit
    ├── MindAhead                   rebuild the mind from the journal, then ask again
    ├── JobRefused                  a job that was asked for may not run: change what the text names
    ├── ActorUnavailable            a remote actor did not answer in time; the call may have run
    ├── ClusterError
    │   ├── PortTaken               free the port or choose another
    │   ├── AlreadyRunning          use the running desk, or `fks down` first
    │   └── NotRunning              `fks up` first
    └── InvariantError              a bug: stop, keep the journal, report

Arguments are positional and are handed to ``Exception`` unchanged, so that each error survives pickling between actors.
A refusal that the desk expects (a denied order, an abstaining mind, a refused webhook) is a value, not an error.
"""


class FksError(Exception):
    """Base of every deliberate error; its text may be shown to a user as it is."""


class ConfigError(FksError):
    """A setting is missing, unknown or out of range; the text names key, file and line."""


class DataError(FksError):
    """Market data cannot be used."""


class DataFileError(DataError):
    """A data file is missing, unreadable or malformed.

    Args:
        path: the file.
        line: 1-based line of the fault, or None where the whole file is meant.
        message: what is wrong and what to do.
    """

    def __init__(self, path: str, line: int | None, message: str) -> None:
        super().__init__(path, line, message)
        self.path = path
        self.line = line
        self.message = message

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}, line {self.line}"
        return f"{where}: {self.message}"


class FeedUnavailable(DataError):
    """A feed did not answer; check the network or choose another feed."""


class JournalError(FksError):
    """The journal cannot do what was asked."""


class JournalUnavailable(JournalError):
    """Storage refused the write or the read; nothing of the commit was kept. Free disk space or check the database."""


class JournalCorrupt(JournalError):
    """The journal's file is damaged. Restore a backup, or move the file away to start anew."""


class JournalConflict(JournalError):
    """The head is not the one that the writer builds on: another writer was faster. Recover from the journal."""


class VenueError(FksError):
    """A venue did not do what was asked."""


class VenueRejected(VenueError):
    """The venue refused the order for good; do not resend."""


class VenueUnavailable(VenueError):
    """The venue did not answer: the outcome is unknown. Look the order up by its client id."""


class Fenced(VenueError):
    """The desk that asks does not hold the lease (any more): nothing was sent. Take the lease anew, then recover."""


class ModelUnavailable(FksError):
    """A model gave no answer; nothing is known of what it would have said.

    Args:
        provider: whose.
        message: what happened.
        retry_after_s: when the provider wants to be asked again; 0 where it did not say.
        refused: whether it is certain that no model ran, so that nothing is billed.
    """

    def __init__(self, provider: str, message: str, retry_after_s: float = 0.0, refused: bool = False) -> None:
        super().__init__(provider, message, retry_after_s, refused)
        self.provider = provider
        self.refused = refused
        self.message = message
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.provider}: {self.message}"


class NewsUnavailable(FksError):
    """A news source gave no headlines.

    Args:
        source: which.
        message: what happened.
        retry_after_s: when it wants to be asked again; 0 where it did not say.
    """

    def __init__(self, source: str, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(source, message, retry_after_s)
        self.source = source
        self.message = message
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.source}: {self.message}"


class MindAhead(FksError):
    """A mind has seen a later bar than the one it is given: rebuild it from the journal, then ask again.

    Args:
        symbol: whose bar.
        ts_ms: open of the bar that was given.
        last_ms: open of the last bar that the mind has seen.
    """

    def __init__(self, symbol: str, ts_ms: int, last_ms: int) -> None:
        super().__init__(symbol, ts_ms, last_ms)
        self.symbol = symbol
        self.ts_ms = ts_ms
        self.last_ms = last_ms

    def __str__(self) -> str:
        return f"{self.symbol}: bar {self.ts_ms} is older than the last one seen, {self.last_ms}"


class StrategyOverrun(FksError):
    """A strategy took longer than it may on one bar of a run, which ends there. Mend it, or raise its `bar_limit_s`.

    Args:
        strategy: its name.
        symbol: whose bar.
        ts_ms: open of the bar.
        limit_s: how long it may take.
        where: file and line at which it was interrupted.
    """

    def __init__(self, strategy: str, symbol: str, ts_ms: int, limit_s: float, where: str) -> None:
        super().__init__(strategy, symbol, ts_ms, limit_s, where)
        self.strategy = strategy
        self.symbol = symbol
        self.ts_ms = ts_ms
        self.limit_s = limit_s
        self.where = where

    def __str__(self) -> str:
        return (
            f"{self.strategy}: the bar {self.ts_ms} of {self.symbol} took longer than {self.limit_s:g} s, interrupted "
            f"at {self.where}; mend the strategy, or raise strategies.{self.strategy}.bar_limit_s"
        )


class JobRefused(FksError):
    """A job may not run as it was asked for; nothing was queued.

    Args:
        code: for programs, such as `invalid_field`, `not_found` or `queue_full`.
        message: what is wrong and what to do.
        field: where in the request, or an empty string.
    """

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(code, message, field)
        self.code = code
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class ActorUnavailable(FksError):
    """An actor did not answer in time, or died on the way. The call may have run: repeat only what is idempotent."""


class ClusterError(FksError):
    """The Ray cluster or Serve could not be started, reached or stopped."""


class PortTaken(ClusterError):
    """A port that is needed is in use.

    Args:
        port: the port.
        owner: who holds it, as far as the system tells, or an empty string.
    """

    def __init__(self, port: int, owner: str) -> None:
        super().__init__(port, owner)
        self.port = port
        self.owner = owner

    def __str__(self) -> str:
        held = f" by {self.owner}" if self.owner else ""
        return f"port {self.port} is taken{held}; free it or choose another with --port"


class AlreadyRunning(ClusterError):
    """A desk already runs in this FKS_HOME; use it, or end it with `fks down`."""


class NotRunning(ClusterError):
    """No desk runs in this FKS_HOME; start one with `fks up`."""


class InvariantError(FksError):
    """Something that cannot happen did: a bug. Keep the journal and report it."""
