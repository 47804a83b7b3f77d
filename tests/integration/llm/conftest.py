"""One language model for a whole test session; a test that kills one starts its own."""

from collections.abc import Iterator

import pytest

from tests.language_model import LanguageModel, missing, running_model


@pytest.fixture(scope="session")
def language_model() -> Iterator[LanguageModel]:
    """The shared server: not to be killed."""
    if why := missing():
        pytest.skip(why)
    with running_model() as model:
        yield model
