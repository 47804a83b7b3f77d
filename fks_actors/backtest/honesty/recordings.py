"""What `fks data check` says of the files that a run was made on, as sentences beside its result."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from fks_actors.adapters.recordings.across import check_all
from fks_actors.adapters.recordings.findings import Flaw, Kind, Weight
from fks_actors.backtest.honesty.findings import many
from fks_actors.backtest.past import Past
from fks_actors.settings import Settings

SPIKE_Z = 10.0
"""Standard deviations that make a spike, as in `fks data check`; a desk's own gate is more watchful."""

_WHY = {
    Kind.SURVIVORS_ONLY: "a strategy that picks among survivors looks better than it was",
    Kind.GAP: "nothing was traded in the gaps, and stops were not met there",
    Kind.NO_VOLUME: "nobody could have traded in them",
    Kind.SPIKE: "a single wrong bar can make or lose a whole result",
    Kind.ENDED: "what became of it afterwards is not in the result",
}
_COUNTED = {
    Kind.NO_VOLUME: "{} without volume",
    Kind.SPIKE: "{} in which the close jumped by over 10 standard deviations",
}

_PLACED = (Kind.GAP, Kind.NO_VOLUME, Kind.SPIKE)


@dataclass(frozen=True, slots=True)
class DataFlaw:
    """Something that is wrong with a recording (`where`: its file's name), or between all of them ("")."""

    where: str
    flaw: Flaw

    @property
    def is_warning(self) -> bool:
        """Always: what is wrong with the data is wrong with the result."""
        return True

    @property
    def sentence(self) -> str:
        """What to tell."""
        counted = _COUNTED.get(self.flaw.kind)
        text = counted.format(many(self.flaw.count, "bar")) if counted else self.flaw.message
        text = f"{self.where}: {text}" if self.where else f"{text[:1].upper()}{text[1:]}"
        why = _WHY.get(self.flaw.kind)
        return f"{text}; {why}." if why else f"{text}."


def data_flaws(settings: Settings, past: Past) -> tuple[DataFlaw, ...]:
    """What is wrong with the recordings; files that are gone are passed over. Reads every file once more.

    What lies outside of the bars that the run saw is left out, as far as the places are known: of many, the first few.
    """
    paths = [track.recording.path for track in past.tracks if Path(track.recording.path).is_file()]
    return tuple(each for each in _flaws(paths, settings) if _is_seen(each.flaw, past)) if paths else ()


def _is_seen(flaw: Flaw, past: Past) -> bool:
    if flaw.kind not in _PLACED or flaw.count > len(flaw.times_ms):
        return True
    first_ms = int(past.times[max(past.begin - past.warm, 0)])
    return any(first_ms <= at <= past.last_ms for at in flaw.times_ms)


def _flaws(paths: list[str], settings: Settings) -> Iterator[DataFlaw]:
    report = check_all(paths, settings.market.quality.model_copy(update={"spike_z": SPIKE_Z}))
    for each in report.files:
        for flaw in each.flaws:
            if flaw.weight is not Weight.NOTE and flaw.kind is not Kind.UNKNOWN_SYMBOL:
                yield DataFlaw(PurePath(each.path).name, flaw)
    for flaw in report.between:
        yield DataFlaw("", flaw)
