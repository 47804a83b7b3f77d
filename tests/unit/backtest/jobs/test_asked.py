"""What may be asked for as a job, and how a refusal reads."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from fks_actors.adapters.jobs.config import JobsConfig
from fks_actors.adapters.jobs.redact import HIDDEN, redacted
from fks_actors.backtest.jobs.asked import accepted, recording
from fks_actors.backtest.jobs.place import Place
from fks_actors.errors import JobRefused

MINE = {"file": "mine.py", "text": "class Mine:\n    def on_bar(self, bar):\n        return 1.0\n"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    data = tmp_path / "data" / "binance"
    data.mkdir(parents=True)
    (data / "BTC-USDT-1h.parquet").write_bytes(b"PAR1")
    (tmp_path / "secret.csv").write_text("secret", encoding="utf-8")
    (data / "link.csv").symlink_to(tmp_path / "secret.csv")
    return Place(JobsConfig(), (tmp_path / "data",), {"risk": {"per_trade_pct": 5}})


def asked(**fields: Any) -> bytes:
    return json.dumps({"data": [{"name": "binance/BTC-USDT-1h.parquet"}], **fields}).encode()


SEARCH = {"space": {"risk.per_trade_pct": {"low": 1, "high": 9}}}
SWEEP = {"rule": "ema_cross", "grid": {"fast": [5, 9], "slow": [20]}}


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"kind": "hack"}, "invalid_field", "kind"),
        ({"nonsense": 1}, "unknown_field", "nonsense"),
        ({"data": []}, "invalid_field", "data"),
        ({"data": [{"name": "../secret.csv"}]}, "invalid_field", "data.0.name"),
        ({"data": [{"name": "/etc/passwd"}]}, "invalid_field", "data.0.name"),
        ({"data": [{"name": "binance/../../secret.csv"}]}, "invalid_field", "data.0.name"),
        ({"data": [{"name": "binance/link.csv"}]}, "not_found", "data.0.name"),
        ({"data": [{"name": "none.csv"}]}, "not_found", "data.0.name"),
        ({"data": [{"name": "a.csv", "content": "%%%"}]}, "invalid_field", "data.0.content"),
        ({"data": [{"name": "a.csv", "content": ""}]}, "invalid_field", "data.0.content"),
        ({"data": [{"name": "a/b.csv", "content": "eA=="}]}, "invalid_field", "data.0.name"),
        ({"settings": {"risk": {"per_trade": 1}}}, "invalid_field", "settings.risk.per_trade"),
        ({"strategy": "mine.py"}, "missing_source", "strategy"),
        ({"settings": {"strategies": {"a": {"path": "/etc/x.py"}}}}, "missing_source", "settings.strategies.a.path"),
        ({"sources": [{"file": "../mine.py", "text": ""}]}, "invalid_field", "sources.0.file"),
        ({"sources": [{"file": "mine.py", "text": "def ("}]}, "invalid_field", "sources.0.text"),
        ({"sources": [MINE, MINE]}, "invalid_field", ""),
        ({"since_ms": 5, "until_ms": 5}, "invalid_field", ""),
        ({"baselines": ["luck"]}, "invalid_field", "baselines"),
        ({"kind": "optimize"}, "invalid_field", ""),
        ({"search": SEARCH}, "invalid_field", ""),
        ({"kind": "optimize", "search": {"space": {"risk.nothing": [1]}}}, "invalid_field", "search.space"),
        ({"kind": "optimize", "search": {"space": {"risk.per_trade_pct": {"lo": 1}}}}, "invalid_field", "search.space"),
        ({"kind": "optimize", "search": {**SEARCH, "cv": "sideways"}}, "invalid_field", "search.cv"),
        ({"kind": "optimize", "search": {**SEARCH, "sampler": "luck"}}, "invalid_field", "search.sampler"),
        ({"kind": "sweep", "sweep": {**SWEEP, "rule": "luck"}}, "invalid_field", "sweep"),
        ({"kind": "sweep", "sweep": {**SWEEP, "grid": {"fast": [5]}}}, "invalid_field", "sweep"),
        ({"label": "a\x1b[31m"}, "invalid_field", "label"),
    ],
)
def test_accept_when_something_is_wrong_then_code_and_field_say_so(
    place: Place, fields: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(JobRefused) as refused:
        accepted(asked(**fields), place)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert "secret" not in refused.value.message


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"data": NaN}'])
def test_accept_when_it_is_no_job_at_all_then_refused(place: Place, content: bytes) -> None:
    with pytest.raises(JobRefused) as refused:
        accepted(content, place)
    assert refused.value.code in ("invalid_json", "invalid_field", "missing_field")


def test_accept_when_a_strategy_is_brought_then_its_text_is_looked_at_but_never_run(place: Place) -> None:
    harmful = {"file": "mine.py", "text": "raise SystemExit('it was run')\n"}
    job = accepted(asked(strategy="mine.py:Mine", sources=[harmful]), place)
    assert job.spec.sources[0].text == harmful["text"]


def test_accept_when_a_venue_trades_for_real_then_no_code_is_taken_unless_told(place: Place) -> None:
    real = Place(place.config, place.folders, place.tree, real=True)
    with pytest.raises(JobRefused, match=r"jobs\.uploaded_code") as refused:
        accepted(asked(strategy="mine.py", sources=[MINE]), real)
    assert refused.value.code == "forbidden_code"
    told = Place(JobsConfig(uploaded_code=True), place.folders, place.tree, real=True)
    assert accepted(asked(strategy="mine.py", sources=[MINE]), told).spec.strategy == "mine.py"
    assert accepted(asked(strategy="sma_cross"), real).spec.strategy == "sma_cross"


def test_accept_when_files_are_uploaded_then_the_spec_keeps_their_names_alone(place: Place) -> None:
    content = base64.b64encode(b"timestamp,open\n").decode()
    job = accepted(asked(data=[{"name": "a.csv", "content": content, "symbol": "BTC/USDT"}]), place)
    assert job.uploads == {0: b"timestamp,open\n"}
    assert job.spec.data[0].content is None
    assert content not in job.spec.model_dump_json()


def test_recording_when_its_folder_is_allowed_then_it_is_found(place: Place, tmp_path: Path) -> None:
    assert recording("binance/BTC-USDT-1h.parquet", place.folders).name == "BTC-USDT-1h.parquet"
    assert recording("secret.csv", (*place.folders, tmp_path)) == tmp_path / "secret.csv"


def test_redacted_when_a_text_is_harmless_then_it_stays() -> None:
    text = "bar 7: price 1.5\n\ttokens are many\n"
    assert redacted(text, ["abc"]) == text


@pytest.mark.parametrize(
    "text", ['{"api_key": "SECRET"}', "FKS_API_TOKEN=SECRET", "password: SECRET", "postgresql://me:SECRET@db/x"]
)
def test_redacted_when_something_looks_like_a_secret_then_it_is_hidden(text: str) -> None:
    assert "SECRET" not in redacted(text)
    assert HIDDEN in redacted(text)
