"""The report in files. Each is written beside its place and then moved there: a reader sees the old one or the new."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fks_actors.backtest.report.document import Document
from fks_actors.backtest.report.page import page
from fks_actors.backtest.report.telling import told
from fks_actors.backtest.study import Study
from fks_actors.errors import ConfigError

LISTED = 200
"""Round trips that the page lists at most."""

LISTED_IN_JSON = 10_000
"""Round trips that the JSON lists at most."""

PAGE, DATA = "report.html", "report.json"


@dataclass(frozen=True, slots=True)
class Saved:
    """Where the report lies."""

    html: Path
    json: Path


def html(study: Study, *, seed: int) -> str:
    """The page; its bootstrap is drawn from `seed`."""
    return page(told(study, seed, LISTED))


def json(study: Study, *, seed: int) -> bytes:
    """The document as JSON (`document.schema`), UTF-8; its bootstrap is drawn from `seed`."""
    return msgspec.json.encode(told(study, seed, LISTED_IN_JSON))


def save(study: Study, folder: Path, *, seed: int) -> Saved:
    """Write `report.html` and `report.json` into `folder`, which is made where it is missing.

    Raises:
        ConfigError: the folder cannot be made or written to, or the disk is full; an earlier report is left as it was.
    """
    whole = told(study, seed, LISTED_IN_JSON)
    texts = {DATA: msgspec.json.encode(whole), PAGE: page(_shortened(whole)).encode()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _write(folder / name, text)
    except OSError as error:
        raise ConfigError(f"the report cannot be written to {folder}: {error.strerror or error}") from error
    return Saved(folder / PAGE, folder / DATA)


def _shortened(document: Document) -> Document:
    """The same with as many round trips as the page lists."""
    trips = document.trips
    every = (*trips.first, *trips.last)
    if len(every) <= LISTED:
        return document
    half = LISTED // 2
    return msgspec.structs.replace(
        document, trips=msgspec.structs.replace(trips, first=every[:half], last=every[-half:])
    )


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
