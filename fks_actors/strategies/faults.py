"""How an error in a strategy's own code is told: what it was, and the last line of the strategy's file on its way."""

import os
import traceback

THEIRS = (Exception, SystemExit)
"""What a user's code may raise without ending more than itself."""

_CHARS = 200


def line_of(error: BaseException, file: str) -> int | None:
    """The last line of `file` that the error came through; None where it came through none."""
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if file and frame.f_code.co_filename == file]
    return lines[-1] if lines else None


def told(error: BaseException, file: str) -> str:
    """The error in a line of at most 200 characters, with the file's name and line."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 whatever a user's __str__ raises
        text = "(its text cannot be told)"
    line = line_of(error, file)
    where = f" ({os.path.basename(file)}, line {line})" if line else ""
    kind = type(error).__name__
    said = " ".join(f"{kind}: {text}".split()) if text else kind
    most = _CHARS - len(where)
    return f"{said if len(said) <= most else said[: most - 3] + '...'}{where}"
