"""The report tells the figures that `metrics` computes, whole and escaped, for any run."""

import dataclasses
import json
import math
import re
import resource
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from msgspec.structs import replace

from fks_actors.backtest import report
from fks_actors.backtest.metrics import metrics
from fks_actors.backtest.report import document, telling
from fks_actors.backtest.report.page import ROWS
from fks_actors.backtest.report.saving import LISTED
from fks_actors.backtest.report.wording import NOTHING
from fks_actors.backtest.run import Result
from fks_actors.backtest.significance import deflated_sharpe, moments, overfitting
from fks_actors.backtest.study import Searched, Study
from fks_actors.backtest.trips import round_trips
from fks_actors.errors import ConfigError
from fks_actors.model.records import TradingState
from fks_actors.settings import Settings
from tests.unit.backtest.studies import CASH, MINUTE_MS, past_of, ran, study_of

HOSTILE = '<img src=x onerror="document.title=1"></script><script>fetch("//evil")</script>&amp;\u2028'


class Read(HTMLParser):
    """A page as its tables, tags and text. `rows`: every table row's cells as their texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._cell = self._raw = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._raw = tag in ("script", "style")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._raw = False
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data: str) -> None:
        if self._raw:
            return
        self.text += data
        if self._cell:
            self.rows[-1][-1] += data

    def row(self, label: str) -> list[str]:
        """The first row that begins so."""
        return next(row for row in self.rows if row and row[0].strip() == label)


@pytest.fixture(scope="module")
def study() -> Study:
    past = past_of(6_000)
    return study_of(past, ran(past, 20, refused="exposure of 61 % is above 60 %"), warnings=("one warning",))


def told(study: Study) -> document.Document:
    return telling.told(study, 7, LISTED)


def test_tell_when_a_run_has_traded_then_every_figure_is_that_of_metrics(study: Study) -> None:
    found, figures = metrics(study.result), told(study).figures[0].figures
    fall, trades = found.drawdown, found.trades
    assert fall is not None
    assert trades.count > 100
    assert (figures.total, figures.annual, figures.volatility) == (found.total, found.annual, found.volatility)
    assert (figures.sharpe, figures.sortino, figures.calmar) == (found.sharpe, found.sortino, found.calmar)
    assert (figures.drawdown, figures.longest_drawdown_ms) == (fall.depth, fall.longest_ms)
    assert (figures.drawdown_ms, figures.held_ms) == (fall.under_water_ms, trades.held_ms)
    assert (figures.time_exposed, figures.mean_exposure) == (found.time_exposed, found.mean_exposure)
    assert (figures.turnover, figures.trades, figures.win_rate) == (found.turnover, trades.count, trades.win_rate)
    assert figures.profit_factor == trades.profit_factor
    assert float(figures.expectancy or "nan") == pytest.approx(trades.expectancy, abs=1e-7)
    assert abs(Decimal(figures.fees) - found.fees) <= Decimal("5e-9")
    assert abs(Decimal(figures.final) - study.result.final) <= Decimal("5e-9")


def test_html_when_a_run_has_traded_then_its_cells_show_the_document_beside_the_baselines(study: Study) -> None:
    page, tale = Read(report.html(study, seed=7)), told(study)
    for row in ROWS:
        cells = page.row(row.label)
        shown = [cells[1], *cells[3:]]
        assert shown == [row.write(row.read(column.figures)) for column in tale.figures]
    cells = page.row("Total return")
    bounds = tale.sureness.bounds["total"]
    assert [float(n.replace("−", "-")) for n in re.findall(r"[+−]?\d+\.\d+", cells[2])] == pytest.approx(
        [bounds.low * 100, bounds.high * 100], abs=0.005
    )
    assert len(tale.figures) == 3


def test_html_when_read_then_the_verdict_stands_first_and_warnings_right_below(study: Study) -> None:
    text = Read(report.html(study, seed=7)).text
    places = [text.index(each) for each in (study.first_line, "one warning", "Final equity", "Round trips")]
    assert places == sorted(places)
    assert "exposure of 61 % is above 60 %" in text


def test_html_when_texts_are_hostile_then_they_are_shown_and_never_run(study: Study) -> None:
    past = past_of(300)
    result = ran(past, 10, minds=(HOSTILE, "mid_term", "x"), refused=HOSTILE)
    bad = dataclasses.replace(study_of(past, result, HOSTILE, (HOSTILE,)), first_line=HOSTILE)
    page, calm = report.html(bad, seed=7), report.html(study, seed=7)
    read = Read(page)
    assert HOSTILE in read.text
    counts = [sum(tag == each for tag, _ in read.tags) for each in ("script", "img", "h1")]
    assert counts == [3, 0, 1]
    assert sum(tag == "script" for tag, _ in Read(calm).tags) == 3
    assert 'onerror="' not in re.sub(r"<script>.*?</script>", "", page, flags=re.S)
    assert "<script>fetch" not in page


def test_html_when_read_then_nothing_is_asked_of_another_place(study: Study) -> None:
    read = Read(report.html(study, seed=7))
    policy = next(a["content"] for tag, a in read.tags if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    sources = [
        a.get("src") or a.get("href") for tag, a in read.tags if tag not in ("a",) and ("src" in a or "href" in a)
    ]
    assert sources == ["data:,"]
    assert not any("style" in a or any(name.startswith("on") for name in a) for _, a in read.tags)


def test_json_when_encoded_then_it_fits_its_own_schema_and_money_is_text(study: Study) -> None:
    tale = json.loads(report.json(study, seed=7), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    schema = report.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tale, schema)
    assert tale["version"] == document.VERSION
    assert tale["facts"]["cash"] == "10000"
    assert tale["facts"]["files"] == ["walk.csv"]
    assert (tale["facts"]["first_ms"], tale["facts"]["last_ms"]) == (
        study.past.first_ms,
        study.past.last_ms + MINUTE_MS,
    )
    trips = round_trips(study.result.fills).trips
    listed = tale["trips"]["first"] + tale["trips"]["last"]
    assert sum(Decimal(trip["profit"]) for trip in listed) == pytest.approx(
        sum(t.profit for t in trips), abs=Decimal("1e-5")
    )
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**tale, "first_line": None}, schema)


def test_json_when_told_twice_then_it_is_the_same_and_another_seed_moves_the_intervals_alone(study: Study) -> None:
    one, again, other = (json.loads(report.json(study, seed=seed)) for seed in (7, 7, 8))
    assert one == again
    assert one.pop("sureness") != other.pop("sureness")
    assert one == other


def test_tell_when_nothing_was_traded_then_what_is_undefined_is_a_dash_and_the_page_stands() -> None:
    past = past_of(500)
    study = study_of(past, ran(past, 0))
    page, tale = Read(report.html(study, seed=7)), told(study)
    assert tale.figures[0].figures.sharpe is None
    assert tale.trips.count == 0
    assert (page.row("Sharpe")[1], page.row("Win rate")[1], page.row("Profit factor")[1]) == (NOTHING,) * 3
    assert page.row("Total return")[1] == "0.00 %"
    assert "No round trip was completed." in page.text
    assert "without a single trade" in page.text
    jsonschema.validate(json.loads(report.json(study, seed=7)), report.schema())


@pytest.mark.parametrize("count", [1, 2])
def test_tell_when_a_run_has_a_bar_or_two_then_the_page_stands(count: int) -> None:
    past = past_of(count)
    study = study_of(past, ran(past, 0))
    page, tale = Read(report.html(study, seed=7)), told(study)
    assert page.row("Annual return")[1] == (NOTHING if count == 1 else "0.00 %")
    assert len(tale.equity.times_ms) == count
    assert len(tale.prices[0].candles) == count
    jsonschema.validate(json.loads(report.json(study, seed=7)), report.schema())


def test_tell_when_a_run_has_no_cycle_at_all_then_the_page_stands() -> None:
    past = past_of(3)
    study = study_of(past, Result(CASH, 0, (), (), (), ()))
    assert "No decision was taken." in Read(report.html(study, seed=7)).text
    assert told(study).decisions.count == 0


def test_html_when_the_run_lost_then_the_verdict_is_in_the_colour_of_a_loss(study: Study) -> None:
    past = past_of(2_000, drift=-0.0002)
    losing = study_of(past, ran(past, 10))
    assert losing.result.final < losing.result.cash
    assert told(losing).loses
    assert 'class="verdict down"' in report.html(losing, seed=7)
    winning = past_of(2_000, drift=0.0004)
    assert 'class="verdict warn"' in report.html(study_of(winning, ran(winning, 600)), seed=7)


def test_tell_when_the_run_is_ruined_then_the_curve_ends_there_and_the_page_stands() -> None:
    past = past_of(4_000)
    study = study_of(past, ran(past, 5, size="1"))
    tale = told(study)
    assert study.result.final < 0
    assert (tale.figures[0].figures.total, tale.figures[0].figures.drawdown) == (-1.0, 1.0)
    own = [value for value in tale.equity.lines[0].values if value is not None]
    assert own[-1] == "0.00"
    assert tale.equity.lines[0].values[-1] is None
    jsonschema.validate(json.loads(report.json(study, seed=7)), report.schema())


def test_tell_when_months_pass_then_their_returns_compound_to_the_years_and_the_whole() -> None:
    past = past_of(3_000, interval_ms=6 * 60 * MINUTE_MS)
    tale = told(study_of(past, ran(past, 30)))
    assert [len(year.months) for year in tale.years] == [12] * len(tale.years)
    assert len(tale.years) >= 2
    for year in tale.years:
        grown = math.prod(1 + month for month in year.months if month is not None)
        assert grown - 1 == pytest.approx(year.total, abs=1e-12)
    whole = math.prod(1 + year.total for year in tale.years) - 1
    assert whole == pytest.approx(tale.figures[0].figures.total, abs=1e-12)


def test_tell_when_a_bar_ends_at_new_years_midnight_then_it_belongs_to_the_old_year() -> None:
    past = past_of(366 * 4, interval_ms=6 * 60 * MINUTE_MS)
    (year,) = told(study_of(past, ran(past, 30))).years
    assert year.year == 2024
    assert None not in year.months


def test_tell_when_trips_are_many_then_the_page_lists_both_ends_and_says_how_many_it_leaves_out() -> None:
    past = past_of(6_000)
    study = study_of(past, ran(past, 5))
    tale = json.loads(report.json(study, seed=7))
    count = tale["trips"]["count"]
    assert count > LISTED
    page = Read(report.html(study, seed=7))
    assert f"{count - LISTED} round trips are not listed" in page.text
    listed = [row for row in page.rows if len(row) == 11 and row[0].isdigit()]
    assert [int(row[0]) for row in listed] == [
        *range(1, LISTED // 2 + 1),
        *range(count - LISTED // 2 + 1, count + 1),
    ]
    assert len(tale["trips"]["first"]) == count


def test_tell_when_a_run_is_long_then_it_is_downsampled_keeps_its_extremes_and_says_so() -> None:
    past = past_of(20_000)
    study = study_of(past, ran(past, 40))
    tale, text = told(study), Read(report.html(study, seed=7)).text
    own = [float(value) for value in tale.equity.lines[0].values if value is not None]
    equity = [float(point.equity) for point in study.result.equity]
    assert len(own) <= 2_400
    assert (min(own), max(own), own[0], own[-1]) == pytest.approx(
        (min(equity), max(equity), equity[0], equity[-1]), abs=0.005
    )
    assert max(v for v in tale.drawdown.lines[0][1] if v is not None) == pytest.approx(
        tale.figures[0].figures.drawdown, abs=1e-6
    )
    columns = past.tracks[0].columns
    candles = np.array(tale.prices[0].candles)
    assert len(candles) <= 1_200
    assert (candles[:, 2].max(), candles[:, 3].min()) == (columns.high.max(), columns.low.min())
    assert (candles[0, 1], candles[-1, 4]) == (columns.open[0], columns.close[-1])
    assert "downsampled (M4)" in text
    assert "bars joined to candles of" in text


def test_tell_when_trades_share_a_candle_then_their_marker_holds_all_of_them() -> None:
    past = past_of(20_000)
    study = study_of(past, ran(past, 40))
    marks = told(study).prices[0].marks
    assert sum(mark.fills for mark in marks) == len(study.result.fills)
    profit = sum((Decimal(mark.profit) for mark in marks if mark.profit is not None), Decimal(0))
    assert profit == pytest.approx(round_trips(study.result.fills).profit, abs=Decimal("1e-5"))


def test_tell_when_orders_were_denied_then_the_reason_is_counted_with_its_words(study: Study) -> None:
    decisions = told(study).decisions
    (refusal,) = decisions.refusals
    assert refusal.what == "max_exposure"
    assert refusal.count == sum(len(cycle.refusals) for cycle in study.result.cycles) > 0
    assert refusal.example == "exposure of 61 % is above 60 %"
    assert sum(each.count for each in decisions.outcomes) == decisions.count == len(study.result.cycles)
    (filled,) = decisions.orders
    assert (filled.what, filled.count) == ("filled", len(study.result.orders))


def test_tell_when_minds_voted_then_their_ballots_are_counted_and_profits_add_up(study: Study) -> None:
    minds = told(study).minds
    said = {mind.agent: mind for mind in minds}
    cycles = len(study.result.cycles)
    assert said["long_term"].abstained == said["short_term"].buys == cycles
    assert said["mid_term"].buys + said["mid_term"].sells + said["mid_term"].holds == cycles
    credited = sum(Decimal(mind.profit) for mind in minds)
    assert credited == pytest.approx(round_trips(study.result.fills).profit, abs=Decimal("1e-6"))


def test_tell_when_the_run_was_searched_for_then_deflated_sharpe_and_overfitting_are_told(study: Study) -> None:
    trials = np.random.default_rng(3).normal(0.0, 0.01, (400, 8))
    searched = Searched((0.001, 0.02, -0.01), overfitting(trials, 8))
    of = study_of(study.past, study.result, searched=searched)
    found = told(of).search
    brief = moments(telling.Curve.of(of.result.equity).returns())
    assert found is not None
    assert brief is not None
    assert searched.overfitting is not None
    assert found.deflated_sharpe == deflated_sharpe(brief, searched.sharpes)
    assert (found.trials, found.overfitting) == (3, searched.overfitting.probability)
    assert "Probability of backtest overfitting" in report.html(of, seed=7)
    assert "Probability of backtest overfitting" not in report.html(study, seed=7)


def test_html_when_the_data_is_simulated_then_it_says_so_at_the_top(study: Study) -> None:
    past = past_of(300)
    made_up = study_of(past, ran(past, 10))
    assert "SIMULATED" not in report.html(made_up, seed=7)
    labelled = dataclasses.replace(
        made_up, past=dataclasses.replace(past, info=dataclasses.replace(past.info, simulated=True))
    )
    text = Read(report.html(labelled, seed=7)).text
    assert text.index("SIMULATED DATA") < text.index(labelled.first_line)
    assert json.loads(report.json(labelled, seed=7))["simulated"] is True


def test_tell_when_a_limit_stopped_the_desk_then_the_first_instant_is_told() -> None:
    past = past_of(100)
    result = ran(past, 10)
    points = [
        replace(point, state=TradingState.REDUCING if at in (40, 41) else point.state)
        for at, point in enumerate(result.equity)
    ]
    stopped = Result(result.cash, result.bars, result.cycles, result.orders, result.fills, points)
    limits = told(study_of(past, stopped)).facts.limits
    assert (limits.reduced_ms, limits.halted_ms) == (points[40].ts_ms, None)


def test_digest_when_anything_that_counts_is_changed_then_it_is_another() -> None:
    base = Settings()
    dearer = base.model_copy(update={"paper": base.paper.model_copy(update={"taker_fee_bps": Decimal(11)})})
    elsewhere = base.model_copy(update={"serve": base.serve.model_copy(update={"port": 9_000})})
    assert telling.digest(base) != telling.digest(dearer)
    assert telling.digest(base) == telling.digest(elsewhere)
    assert re.fullmatch("[0-9a-f]{64}", telling.digest(base))


def test_save_when_the_folder_is_missing_then_it_is_made_and_holds_both_files_alone(
    study: Study, tmp_path: Path
) -> None:
    saved = report.save(study, tmp_path / "deep" / "er", seed=7)
    assert saved.html.read_text("utf-8") == report.html(study, seed=7)
    assert saved.json.read_bytes() == report.json(study, seed=7)
    assert sorted(each.name for each in saved.html.parent.iterdir()) == ["report.html", "report.json"]


def test_save_when_trips_are_many_then_page_and_json_are_those_of_their_own(tmp_path: Path) -> None:
    past = past_of(6_000)
    study = study_of(past, ran(past, 5))
    saved = report.save(study, tmp_path, seed=7)
    assert saved.html.read_text("utf-8") == report.html(study, seed=7)
    assert saved.json.read_bytes() == report.json(study, seed=7)


def test_save_when_the_folder_is_a_file_then_it_is_refused_by_name(study: Study, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigError, match="taken"):
        report.save(study, tmp_path / "taken", seed=7)


def test_save_when_the_system_takes_no_more_bytes_then_it_is_refused_and_the_old_report_stands(
    study: Study, tmp_path: Path
) -> None:
    saved = report.save(study, tmp_path, seed=7)
    before = saved.html.read_bytes(), saved.json.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        with pytest.raises(ConfigError, match=re.escape(str(tmp_path))):
            report.save(study, tmp_path, seed=8)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (saved.html.read_bytes(), saved.json.read_bytes()) == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["report.html", "report.json"]
