"""The answer to an alert that is not taken: a value, handed to the sender as it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an alert was refused. `status` is HTTP's, `code` one of the contract's, `field` empty where none is at fault.

    Neither text ever holds a value from the alert, so a secret cannot come back in it.
    """

    status: int
    code: str
    message: str
    field: str = ""
    retry_after_s: int = 0
