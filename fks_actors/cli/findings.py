"""What one check of `fks doctor` found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result; `remedy` is what the user does, empty where all is well."""

    check: str
    state: Literal["ok", "warning", "failed"]
    found: str
    remedy: str = ""
