"""Unit tests refuse Ray: the domain works without a cluster, in milliseconds."""

import pytest
import ray


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a unit test tried to start Ray")

    monkeypatch.setattr(ray, "init", refuse)
