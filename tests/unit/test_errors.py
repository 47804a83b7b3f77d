"""Every error survives the way between two processes."""

import inspect
import pickle

import pytest

from fks_actors import errors

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.FksError)]
ARGUMENTS = {
    errors.DataFileError: ("bars.csv", 7, "not a number"),
    errors.PortTaken: (8000, "python"),
    errors.MindAhead: ("BTC/USDT", 1, 2),
    errors.StrategyOverrun: ("mine", "BTC/USDT", 1, 5.0, "mine.py, line 3"),
    errors.JobRefused: ("invalid_field", "must be above 0", "warm"),
    errors.ModelUnavailable: ("vllm", "503", 2.0),
    errors.NewsUnavailable: ("rss", "503", 2.0),
}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_pickle_when_error_travels_then_type_arguments_and_text_remain(cls: type[errors.FksError]) -> None:
    error = cls(*ARGUMENTS.get(cls, ("what to do",)))
    back = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(back) is cls
    assert back.args == error.args
    assert str(back) == str(error)


def test_str_when_the_line_is_known_then_file_and_line_are_named() -> None:
    assert str(errors.DataFileError("a.csv", 3, "NaN")) == "a.csv, line 3: NaN"
    assert str(errors.DataFileError("a.csv", None, "empty")) == "a.csv: empty"


def test_docstring_when_read_then_it_draws_every_error() -> None:
    assert errors.__doc__ is not None
    assert [c.__name__ for c in CLASSES if c.__name__ not in errors.__doc__] == []
