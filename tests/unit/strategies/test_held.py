"""How a strategy fails, how it is interrupted, and how it is known again: bit for bit, or from its bars."""

import asyncio
import json
import math
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fks_actors.desk.mind import BarMind
from fks_actors.desk.mind_keeper import MindKeeper
from fks_actors.desk.strategy_craft import strategy_craft
from fks_actors.errors import StrategyOverrun
from fks_actors.model.candles import BarBatch, Candle
from fks_actors.model.records import Commit
from fks_actors.model.votes import Abstain, AbstainReason, Ballot, Vote
from tests.in_process import MemoryJournal
from tests.unit.strategies.written import BTC, EXAMPLE, MINUTE, bar, kind

ETH = "ETH/USDT"


def mind(folder: Path, text: str, ends_run: bool = False, **config: Any) -> BarMind:
    return BarMind(strategy_craft(kind(folder, text, **config), ends_run))


def batch(*candles: Candle) -> BarBatch:
    return BarBatch(candles[0].ts_ms, MINUTE, candles)


def ask(mind: BarMind, at: int, close: float = 100.0) -> Ballot:
    (said,) = mind.ask(batch(bar(at, close)))
    return said


def failed(said: Ballot) -> str:
    assert isinstance(said, Abstain), said
    assert said.reason is AbstainReason.FAILED
    return said.detail


# --- failing ---

RAISES = (
    "class Mine:\n"
    "    def on_bar(self, bar):\n"
    "        return 1 / (bar.close - 102)\n"
)  # fmt: skip


def test_ask_when_it_raises_then_it_abstains_from_there_on_with_the_line(tmp_path: Path) -> None:
    held = mind(tmp_path, RAISES)
    assert "answered -1.0" in failed(ask(held, 0, 101.0))
    said = [failed(ask(held, at, close)) for at, close in ((1, 102.0), (2, 103.0), (3, 104.0))]
    assert said == ["ZeroDivisionError: float division by zero (mine.py, line 3)"] * 3


def test_ask_when_one_symbol_fails_then_the_other_goes_on(tmp_path: Path) -> None:
    held = mind(
        tmp_path, "class Mine:\n    def on_bar(self, bar):\n        return 1.0 if bar.close < 200 else bar.nope\n"
    )
    for at in range(3):
        btc, eth = held.ask(batch(bar(at), bar(at, 250.0, ETH)))
        assert isinstance(btc, Vote)
        assert "AttributeError" in failed(eth)


def test_ask_when_it_answers_amiss_then_it_is_asked_again(tmp_path: Path) -> None:
    held = mind(tmp_path, "class Mine:\n    def on_bar(self, bar):\n        return bar.close\n")
    assert failed(ask(held, 0, 2.0)) == "answered 2.0; a target lies in 0..1"
    again = ask(held, 1, 0.5)
    assert isinstance(again, Vote)
    assert again.target == 0.5


@pytest.mark.parametrize(
    "leaves", ["raise SystemExit(1)", "import sys; sys.exit()", "raise RecursionError", "assert False"]
)
def test_ask_when_it_tries_to_end_the_process_then_only_it_ends(tmp_path: Path, leaves: str) -> None:
    held = mind(tmp_path, f"class Mine:\n    def on_bar(self, bar):\n        {leaves}\n")
    assert "(mine.py, line 3)" in failed(ask(held, 0))


def test_ask_when_it_writes_to_the_bar_then_it_fails(tmp_path: Path) -> None:
    held = mind(tmp_path, "class Mine:\n    def on_bar(self, bar):\n        bar.close = 1.0\n")
    assert "AttributeError" in failed(ask(held, 0))


# --- too long ---

LOOPS = (
    "class Mine:\n"
    "    def on_bar(self, bar):\n"
    "        while bar.close > 100:\n"
    "            pass\n"
    "        return 1.0\n"
)  # fmt: skip
SLEEPS = (
    "import time\n\n"
    "class Mine:\n"
    "    def on_bar(self, bar):\n"
    "        if bar.close > 100:\n"
    "            try:\n"
    "                time.sleep(3_600)\n"
    "            except Exception:\n"
    "                pass\n"
    "        return 1.0\n"
)  # fmt: skip


@pytest.mark.parametrize(("text", "line"), [(LOOPS, (3, 4)), (SLEEPS, (7,))], ids=["loops", "sleeps"])
def test_ask_when_a_bar_of_a_run_takes_too_long_then_the_run_ends_there(
    tmp_path: Path, text: str, line: tuple[int, ...]
) -> None:
    held = mind(tmp_path, text, ends_run=True, bar_limit_s=0.2)
    assert isinstance(ask(held, 0), Vote)
    start = time.monotonic()
    with pytest.raises(StrategyOverrun) as caught:
        ask(held, 1, 101.0)
    assert 0.15 < time.monotonic() - start < 5.0
    error = caught.value
    assert (error.strategy, error.symbol, error.ts_ms, error.limit_s) == ("mine", BTC, MINUTE, 0.2)
    assert error.where in [f"{tmp_path / 'mine.py'}, line {n}" for n in line]
    assert "raise strategies.mine.bar_limit_s" in str(error)


def test_ask_when_it_loops_beside_the_main_thread_then_it_fails_and_the_thread_is_free(tmp_path: Path) -> None:
    held = mind(tmp_path, LOOPS, bar_limit_s=0.2)
    said: list[Ballot] = []
    thread = threading.Thread(target=lambda: said.extend(ask(held, at, 100.0 + at) for at in range(3)), daemon=True)
    thread.start()
    thread.join(20.0)
    assert not thread.is_alive()
    assert isinstance(said[0], Vote)
    first = failed(said[1])
    assert first.startswith(f"the bar {MINUTE} took longer than 0.2 s ({tmp_path / 'mine.py'}, line ")
    assert failed(said[2]) == first


def test_ask_when_bars_are_quick_then_none_is_interrupted_and_the_patrol_rests(tmp_path: Path) -> None:
    held = mind(tmp_path, "class Mine:\n    def on_bar(self, bar):\n        return 1.0\n", bar_limit_s=0.02)
    end, at = time.monotonic() + 0.5, 0
    while time.monotonic() < end:  # all bars together take much longer than one may
        assert isinstance(ask(held, at), Vote)
        at += 1
    assert at > 100
    end = time.monotonic() + 10.0
    while any(thread.name == "strategy watch" for thread in threading.enumerate()):
        assert time.monotonic() < end, "the patrol goes on for nobody"
        time.sleep(0.01)
    assert isinstance(ask(held, at), Vote)


def test_ask_when_bars_take_just_as_long_as_they_may_then_no_interruption_strays(tmp_path: Path) -> None:
    text = (
        "import time\n\n"
        "class Mine:\n"
        "    def on_bar(self, bar):\n"
        "        end = time.monotonic() + bar.close / 1000\n"
        "        while time.monotonic() < end:\n"
        "            pass\n"
        "        return 1.0\n"
    )  # fmt: skip
    held = mind(tmp_path, text, bar_limit_s=0.01)
    outcomes: list[bool] = []

    def run() -> None:
        rng = random.Random(1)
        for at in range(150):
            symbol = f"S{at}/USDT"  # one that failed is not asked again
            (said,) = held.ask(batch(bar(at, rng.uniform(8.0, 40.0), symbol)))
            outcomes.append(isinstance(said, Vote))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(30.0)
    assert not thread.is_alive()
    assert len(outcomes) == 150
    assert any(outcomes)
    assert not all(outcomes)


# --- known again ---

OWN = (
    "class Mine:\n"
    "    def __init__(self):\n"
    "        self.hidden = {frozenset({1})}\n"
    "        self.total = 0.0\n"
    "    def on_bar(self, bar):\n"
    "        self.total = self.total * 0.999 + bar.close\n"
    "        return self.total % 1\n"
    "    def state(self):\n"
    "        return (self.total, float('inf'))\n"
    "    def restore(self, known):\n"
    "        self.total, _ = known\n"
)  # fmt: skip
ATTRIBUTES = (
    "from collections import deque\n\n"
    "class Mine:\n"
    "    def __init__(self):\n"
    "        self.last, self.seen, self.total = deque(maxlen=3), {}, 0.0\n"
    "    def on_bar(self, bar):\n"
    "        self.last.append(bar.close)\n"
    "        self.total = self.total * 0.999 + sum(self.last)\n"
    "        self.seen[len(self.last)] = self.total\n"
    "        return self.total % 1\n"
)  # fmt: skip
WINDOW = (
    "import numpy as np\n\n"
    "class Mine:\n"
    "    memory_bars = 20\n"
    "    def __init__(self):\n"
    "        self.closes = np.zeros(0)\n"
    "    def on_bar(self, bar):\n"
    "        self.closes = np.append(self.closes, bar.close)[-20:]\n"
    "        return float(self.closes.mean() % 1) if len(self.closes) == 20 else None\n"
)  # fmt: skip
SLOTS = WINDOW.replace("    memory_bars = 20\n", "    memory_bars = 20\n    __slots__ = ('closes',)\n")
ENDLESS = WINDOW.replace("[-20:]", "").replace("== 20", ">= 20")


def closes(count: int) -> list[float]:
    rng, price, made = random.Random(5), 100.0, []
    for _ in range(count):
        price *= math.exp(rng.gauss(0, 0.01))
        made.append(price)
    return made


async def story(folder: Path, text: str, kills: frozenset[int], count: int = 700, **config: Any) -> list[Ballot]:
    """What it says of `count` bars, killed before some of them, as its actor would be."""
    journal, said = MemoryJournal(), []

    def keeper() -> MindKeeper:
        return MindKeeper("mine", mind(folder, text, **config), journal)

    keeps, before = keeper(), {}
    for at, close in enumerate(closes(count)):
        if at in kills:
            keeps = keeper()
        bars = batch(bar(at, close))
        (ballot,), taken = await keeps.ask(bars, before)
        said.append(ballot)
        before = {BTC: bars.ts_ms}
        await journal.commit([Commit(f"c{at}", f"c{at - 1}" if at else "", (bars,), taken)])
    return said


KILLS = frozenset({1, 2, 30, 255, 256, 257, 400, 511, 512, 513, 600})


@pytest.mark.parametrize("text", [OWN, ATTRIBUTES, WINDOW, SLOTS, EXAMPLE.read_text(encoding="utf-8"), RAISES])
async def test_ask_when_it_was_killed_anywhere_then_it_goes_on_bit_for_bit(tmp_path: Path, text: str) -> None:
    undisturbed = await story(tmp_path, text, frozenset())
    assert len({repr(each) for each in undisturbed}) > 2
    assert await story(tmp_path, text, KILLS) == undisturbed


async def test_ask_when_it_looks_further_back_than_it_remembers_then_a_kill_changes_it(tmp_path: Path) -> None:
    """The documented limit: what is rebuilt from too few bars knows less."""
    undisturbed = await story(tmp_path, ENDLESS, frozenset())
    assert await story(tmp_path, ENDLESS, KILLS) != undisturbed
    assert await story(tmp_path, ENDLESS, KILLS, memory_bars=1_000) == undisturbed


async def test_ask_when_it_failed_before_it_was_killed_then_it_stays_failed_though_its_bars_are_gone(
    tmp_path: Path,
) -> None:
    text = (
        "class Mine:\n"
        "    memory_bars = 10\n"
        "    def on_bar(self, bar):\n"
        f"        return 1 / (bar.ts_ms - {100 * MINUTE}) * 0.0\n"
    )  # fmt: skip
    said = await story(tmp_path, text, frozenset({600}))
    assert isinstance(said[99], Vote)
    assert "ZeroDivisionError" in failed(said[100])
    assert said[699] == Abstain("mine", BTC, 699 * MINUTE, AbstainReason.FAILED, failed(said[100]))


def test_restore_when_the_code_or_a_parameter_changed_then_its_bars_are_shown_anew(tmp_path: Path) -> None:
    text = (
        "class Mine:\n"
        "    def __init__(self, n=1):\n"
        "        self.n = n\n"
        "    def on_bar(self, bar):\n"
        "        return 1 / self.n\n"
    )  # fmt: skip
    bars = [bar(at) for at in range(5)]
    old = mind(tmp_path, text)
    for each in bars:
        old.observe(each)
    payload = old.state(BTC)
    assert mind(tmp_path, text).restore(BTC, payload, bars) is True
    assert mind(tmp_path, text, params={"n": 2}).restore(BTC, payload, bars) is False
    other = mind(tmp_path, text.replace("1 / self.n", "0.25"))
    assert other.restore(BTC, payload, bars) is False
    assert other.bars(BTC) == 5
    (said,) = other.ask(batch(bars[-1]))
    assert isinstance(said, Vote)
    assert said.target == 0.25


@pytest.mark.parametrize("broken", ["raise KeyError('x')", "return {1: {2}}", "return self"])
def test_state_when_it_cannot_be_told_then_its_bars_tell_it(tmp_path: Path, broken: str) -> None:
    text = OWN.replace("return (self.total, float('inf'))", broken)
    held = mind(tmp_path, text)
    bars = [bar(at, close) for at, close in enumerate(closes(30))]
    said = [held.ask(batch(each)) for each in bars]
    again = mind(tmp_path, text)
    assert again.restore(BTC, held.state(BTC), bars) is True
    assert again.ask(batch(bars[-1])) == said[-1]
    assert json.loads(held.state(BTC))["features"]["how"] == "bars"


def test_restore_when_its_own_restore_raises_then_it_fails_with_that(tmp_path: Path) -> None:
    text = OWN.replace("self.total, _ = known", "raise OSError('gone')")
    held = mind(tmp_path, text)
    held.observe(bar(0))
    again = mind(tmp_path, text)
    again.restore(BTC, held.state(BTC), [bar(0)])
    assert failed(ask(again, 1)) == "OSError: gone (mine.py, line 11)"


def test_asyncio_when_it_loops_in_a_loop_of_the_main_thread_then_only_its_bar_ends(tmp_path: Path) -> None:
    held = mind(tmp_path, LOOPS, bar_limit_s=0.1)

    async def live() -> list[Ballot]:
        return [ask(held, at, 100.0 + at) for at in range(2)]

    said = asyncio.run(live())
    assert isinstance(said[0], Vote)
    assert "took longer than 0.1 s" in failed(said[1])


def test_take_back_when_a_profiler_looks_on_then_it_comes_past_the_next_call() -> None:
    code = (
        "import sys, threading\n"
        "from fks_actors.strategies.watch import Watch\n"
        "def one():\n"
        "    return 1\n"
        "watch = Watch(1.0)\n"
        "watch.thread = threading.get_ident()\n"
        "watch.take_back()\n"
        "sys.setprofile(lambda *_: None)\n"
        "print(one())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20, check=True)
    assert done.stdout == b"1\n"
