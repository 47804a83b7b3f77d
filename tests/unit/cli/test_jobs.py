"""`fks jobs` and `--submit`: what they print, and how they end."""

import json
from pathlib import Path

import pytest

from tests.cli_runs import fks_here
from tests.fake_desk import FakeJobs, job_row
from tests.unit.cli.conftest import Serve


def rows() -> FakeJobs:
    return FakeJobs({row["id"]: row for row in (job_row(1), job_row(2, "running"), job_row(3, "failed"))})


def test_jobs_when_there_are_some_then_listed_with_what_came_of_them(serve: Serve, tmp_path: Path) -> None:
    serve(jobs=rows())
    shown, told = fks_here("jobs"), fks_here("jobs", "--json")
    failed = fks_here("jobs", job_row(3)["id"])
    logs = fks_here("jobs", job_row(3)["id"], "--logs", "--json")
    cancelled = fks_here("jobs", job_row(2)["id"], "--cancel", "--json")
    none = fks_here("jobs", "nothing")
    unnamed = fks_here("jobs", "--cancel")
    page = fks_here("jobs", job_row(1)["id"], "--report", str(tmp_path / "r.html"))
    assert "LOSES to buy and hold" in shown.out
    assert "running 25%" in shown.out
    assert [row["state"] for row in json.loads(told.out)] == ["failed", "running", "done"]
    assert "<b>killed</b>" in failed.out
    assert json.loads(logs.out)["text"] == "the end of it\n"
    assert json.loads(cancelled.out)["state"] == "cancelled"
    assert (none.code, unnamed.code, page.code) == (1, 2, 0)
    assert "name the job" in unnamed.err
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_submit_when_it_need_not_be_waited_for_then_its_id_is_printed(serve: Serve, tmp_path: Path) -> None:
    jobs = rows()
    serve(jobs=jobs)
    (tmp_path / "mine.py").write_text("class Mine:\n    def on_bar(self, bar): return 1.0\n", encoding="utf-8")
    words = ("--data", "binance/BTC-USDT-1h.parquet", "--submit", "--no-wait")
    run = fks_here("backtest", *words, "--strategy", str(tmp_path / "mine.py"))
    search = fks_here("optimize", *words, "--param", "risk.per_trade_pct=1:9:2", "--json")
    both = fks_here("optimize", *words, "--param", "risk.per_trade_pct=1:9", "--each-symbol", "--data", "x.csv")
    assert jobs.rows[run.out.strip()]["strategy"] == "mine.py"
    assert jobs.rows[json.loads(search.out)["id"]]["kind"] == "optimize"
    assert both.code == 2
    assert "--each-symbol" in both.err


@pytest.mark.usefixtures("home")
def test_submit_when_no_desk_runs_then_it_says_so() -> None:
    ran = fks_here("backtest", "--data", "a.parquet", "--submit")
    assert ran.code == 3
    assert "no desk runs" in ran.err
