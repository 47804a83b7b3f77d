"""The report in a real browser, from a file: a real run over real prices, and a run whose texts are hostile."""

import asyncio
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from fks_actors.agents.config import AgentsConfig
from fks_actors.backtest import report
from fks_actors.backtest.baselines import BuyAndHold, flat, verdict_line
from fks_actors.backtest.metrics import metrics
from fks_actors.backtest.past import read_past
from fks_actors.backtest.report import wording
from fks_actors.backtest.report.saving import Saved
from fks_actors.backtest.run import run_past
from fks_actors.backtest.study import Study
from fks_actors.execution.config import default_rules
from fks_actors.settings import Settings
from tests.recorded import HOURLY, MISSING
from tests.unit.backtest.studies import past_of, ran, study_of

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
HOSTILE = '<img src=x onerror="document.title=1"></script><script>fetch("https://evil.example/")</script>'
PAINTED = """(name) => [...document.querySelectorAll(`[data-chart="${name}"] canvas`)].reduce((sum, canvas) => {
  if (!canvas.width || !canvas.height) return sum;
  const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  const pixels = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  let seen = 0;
  for (let at = 3; at < pixels.length; at += 4) seen += pixels[at] > 0;
  return sum + seen;
}, 0)"""
BLUE = PAINTED.replace(
    "pixels[at] > 0", "pixels[at] > 0 && pixels[at - 1] > pixels[at - 3] + 60 && pixels[at - 1] > pixels[at - 2] + 40"
)
LEFT = BLUE.replace("(0, 0, canvas.width, canvas.height)", "(0, 0, Math.ceil(canvas.width * 0.6), canvas.height)")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium at /usr/bin/chromium"),
]


async def council_study() -> Study:
    """The three specialists over three years of hourly prices, beside flat and buy and hold."""
    settings = Settings(agents=AgentsConfig(minds=("short_term", "mid_term", "long_term")))
    past = await read_past([str(HOURLY)], warm=200)
    result = await run_past(settings, past)
    markets = {symbol: default_rules(symbol, settings.paper) for symbol in past.info.symbols}
    holds = [BuyAndHold(result.cash, markets, settings.paper, share) for share in (None, settings.risk.per_trade_pct)]
    for batch in past.traded():
        for hold in holds:
            hold.observe(batch)
    told = [hold.baseline() for hold in holds]
    line = verdict_line(result, told)
    return Study("three specialists", settings, past, result, line, (flat(result), *told), past.info.notes)


@pytest.fixture(scope="module")
def real() -> Study:
    if not HOURLY.exists():
        pytest.skip(MISSING)
    with ThreadPoolExecutor(1) as thread:  # playwright's loop runs in this one
        return thread.submit(lambda: asyncio.run(council_study())).result()


@pytest.fixture(scope="module")
def saved(real: Study, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return report.save(real, tmp_path_factory.mktemp("report"), seed=7)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


class Watched:
    """A page, with what it asked for and what its console said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requested: list[str] = []
        self.console: list[str] = []
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("console", lambda line: self.console.append(line.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))

    def open(self, path: Path) -> Page:
        self.page.goto(path.as_uri())
        return self.page


@pytest.fixture(params=[("desktop", 1400, 1000, "dark"), ("phone", 390, 844, "light")], ids=lambda p: p[0])
def watched(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    _, width, height, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    yield Watched(context.new_page())
    context.close()


def shown(page: Page, name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("FKS_SCREENSHOTS", tmp_path))
    assert page.viewport_size is not None
    page.screenshot(path=str(folder / f"{name}-{page.viewport_size['width']}.png"), full_page=True)


def painted(page: Page, name: str) -> int:
    """How many of a chart's pixels are drawn on."""
    page.locator(f'[data-chart="{name}"]').scroll_into_view_if_needed()
    page.wait_for_function(f"(name) => ({PAINTED})(name) > 0", arg=name)
    return int(page.evaluate(PAINTED, name))


def test_open_when_the_run_is_real_then_verdict_tables_and_charts_show_and_nothing_is_fetched(
    watched: Watched, saved: Saved, real: Study, tmp_path: Path
) -> None:
    page = watched.open(saved.html)
    expect(page.get_by_role("heading", level=1)).to_have_text(real.first_line)
    found = metrics(real.result)
    row = page.locator(".figures tbody tr", has=page.get_by_role("rowheader", name="Sharpe", exact=True))
    expect(row.locator("td").first).to_have_text(wording.number(found.sharpe))
    expect(row.locator("td")).to_have_count(2 + len(real.baselines))
    expect(page.locator(".kpis")).to_contain_text(wording.gain(found.total))
    expect(page.locator(".months tbody tr")).to_have_count(3)
    expect(page.locator(".trips tbody tr")).to_have_count(found.trades.count)
    expect(page.locator(".fits figure")).to_have_count(3)
    expect(page.locator(".fits circle").first).to_be_visible()
    blank = {name: painted(page, name) for name in ("equity", "drawdown", "prices-0")}
    assert all(count > 500 for count in blank.values()), blank
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, "the page scrolls sideways"
    wide = page.evaluate(
        "[...document.querySelectorAll('.panel')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText)"
    )
    assert wide == [], "a panel is cut off"
    page.evaluate("scrollTo(0, 0)")
    shown(page, "report", tmp_path)
    assert [each for each in watched.requested if not each.startswith(("data:", "blob:"))] == [saved.html.as_uri()]
    assert watched.console == []


def test_equity_when_lines_are_hidden_and_the_scale_is_logarithmic_then_the_drawing_changes(
    watched: Watched, saved: Saved
) -> None:
    page = watched.open(saved.html)
    whole = painted(page, "equity")
    hold = page.locator('[data-legend="equity"]').get_by_role("button", name="buy and hold", exact=False).first
    hold.focus()
    page.keyboard.press("Enter")
    expect(hold).to_have_attribute("aria-pressed", "false")
    page.wait_for_function(f"(was) => ({PAINTED})('equity') !== was", arg=whole)
    hidden = painted(page, "equity")
    page.keyboard.press("Enter")
    page.wait_for_function(f"(was) => ({PAINTED})('equity') !== was", arg=hidden)
    log = page.locator('[data-log="equity"]')
    log.focus()
    page.keyboard.press("Space")
    expect(log).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(f"(was) => ({PAINTED})('equity') !== was", arg=whole)
    assert watched.console == []


def test_prices_when_a_candle_with_a_trade_is_pointed_at_then_its_price_and_profit_show(
    watched: Watched, saved: Saved
) -> None:
    page = watched.open(saved.html)
    painted(page, "prices-0")
    page.locator('[data-zoom="prices-0"]').get_by_role("button", name="Zoom in").click()
    box = page.locator('[data-chart="prices-0"]').bounding_box()
    assert box is not None
    tip, heard = page.locator('[data-chart="prices-0"] .tip'), ""
    for at in range(8, int(box["width"]) - 90):
        page.mouse.move(box["x"] + at, box["y"] + box["height"] / 2)
        if tip.is_visible():
            heard = tip.inner_text()
            if "profit" in heard:
                break
    assert "▼ sold" in heard
    assert "profit" in heard
    assert watched.console == []


def test_open_when_the_scheme_changes_then_the_charts_are_painted_anew(watched: Watched, saved: Saved) -> None:
    page = watched.open(saved.html)
    painted(page, "equity")
    picture = page.locator('[data-chart="equity"]').screenshot()
    other = "light" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "dark"
    page.emulate_media(color_scheme=other)
    expect(page.locator("body")).to_have_css(
        "background-color", {"light": "rgb(238, 241, 245)", "dark": "rgb(10, 13, 18)"}[other]
    )
    painted(page, "equity")
    assert page.locator('[data-chart="equity"]').screenshot() != picture
    assert watched.console == []


def test_open_when_texts_are_hostile_then_they_are_text_and_nothing_runs(watched: Watched, tmp_path: Path) -> None:
    past = past_of(400)
    study = study_of(past, ran(past, 10, minds=(HOSTILE, "mid_term", "x"), refused=HOSTILE), HOSTILE, (HOSTILE,))
    kept = report.save(study, tmp_path, seed=7)
    page = watched.open(kept.html)
    expect(page.locator(".warnings li").first).to_have_text(HOSTILE)
    assert page.title().startswith(HOSTILE)
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 3
    assert painted(page, "equity") > 0
    shown(page, "report-hostile", tmp_path)
    assert not any("evil" in asked for asked in watched.requested)
    assert watched.console == []


@pytest.mark.parametrize("count", [1, 300])
def test_open_when_nothing_was_traded_then_the_page_stands(watched: Watched, tmp_path: Path, count: int) -> None:
    past = past_of(count)
    kept = report.save(study_of(past, ran(past, 0)), tmp_path, seed=7)
    page = watched.open(kept.html)
    expect(page.locator("#trips-title")).to_be_visible()
    expect(page.get_by_text("No round trip was completed.")).to_be_visible()
    assert painted(page, "prices-0") > 0
    shown(page, f"report-idle-{count}", tmp_path)
    assert watched.console == []


def test_prices_when_trades_are_few_then_all_of_them_are_marked(watched: Watched, tmp_path: Path) -> None:
    past = past_of(1_200)
    kept = report.save(study_of(past, ran(past, 300)), tmp_path, seed=7)
    page = watched.open(kept.html)
    assert page.evaluate(LEFT, "prices-0") > 20


def test_open_when_the_run_is_long_then_the_page_is_small_and_ready_soon(watched: Watched, tmp_path: Path) -> None:
    past = past_of(60_000)
    kept = report.save(study_of(past, ran(past, 12, size="0.001")), tmp_path, seed=7)
    assert kept.html.stat().st_size < 1_500_000
    page = watched.open(kept.html)
    assert painted(page, "equity") > 500
    expect(page.locator("#trips-title + .note")).to_contain_text("the first 100 and the last 100 are listed")
    expect(page.locator("#equity-title + .note")).to_contain_text("downsampled (M4)")
    note = page.locator('[data-shown="prices-0"]')
    expect(note).to_contain_text(re.compile(r"^160 of \d+ markers in view are shown"))
    assert page.evaluate(BLUE, "prices-0") > 1_000  # purchases are among the markers, not only sales with their profits
    closer = page.locator('[data-zoom="prices-0"]').get_by_role("button", name="Zoom in")
    for _ in range(5):
        closer.click()
    expect(note).to_have_text("")
    page.locator('[data-zoom="prices-0"]').get_by_role("button", name="Show all").click()
    expect(note).to_contain_text("160 of")
    shown(page, "report-long", tmp_path)
    assert watched.console == []
