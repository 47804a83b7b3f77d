"""Whoever trades goes through the same desk: only who votes differs."""

from decimal import Decimal
from pathlib import Path

import pytest

from fks_actors.agents.config import AgentsConfig, AsmbtrConfig, DebateConfig
from fks_actors.backtest.contenders import LABELS, MEASURES, contender, run_contender
from fks_actors.backtest.past import read_past
from fks_actors.errors import ConfigError
from fks_actors.execution.config import PaperConfig
from fks_actors.model.orders import Side
from fks_actors.model.votes import Vote
from fks_actors.settings import Settings
from fks_actors.strategies.config import StrategyConfig
from tests.market import batches, write_files

MINDS = ("short_term", "mid_term", "asmbtr", "sentiment")


def settings_of(**more: object) -> Settings:
    return Settings(agents=AgentsConfig(minds=MINDS), **more)  # type: ignore[arg-type]


def data(folder: Path, count: int = 400, seed: int = 3) -> list[str]:
    folder.mkdir(exist_ok=True)
    return write_files(folder, batches(count, seed)).removeprefix("replay:").split(",")


def test_contender_when_it_is_a_part_of_the_council_then_only_who_votes_differs() -> None:
    settings = Settings(agents=AgentsConfig(minds=MINDS, debate=DebateConfig(threshold=0.7, min_votes=3)))
    found = {name: contender(name, settings, votes=True) for name in LABELS}
    assert found["council"].settings is settings
    assert {name: each.voices for name, each in found.items()} == {
        "council": ("short_term", "mid_term", "asmbtr"),
        "sma": ("sma",),
        "sma_cross": ("sma_cross",),
        "macd": ("macd",),
        "bollinger": ("bollinger",),
        "asmbtr": ("asmbtr",),
        "debate": ("short_term", "mid_term", "long_term"),
        "hybrid": ("short_term", "mid_term", "long_term", "asmbtr"),
    }
    quorums = {name: each.settings.agents.debate.min_votes for name, each in found.items()}
    assert quorums == dict.fromkeys(LABELS, 1) | dict.fromkeys(("council", "debate", "hybrid"), 3)
    for each in found.values():
        rest = {"agents": settings.agents, "strategies": settings.strategies}
        assert each.settings.model_copy(update=rest) == settings
        assert each.settings.agents.debate.threshold == 0.7


def test_contender_when_asmbtr_protects_but_does_not_vote_then_its_stops_are_off() -> None:
    settings = Settings(agents=AgentsConfig(minds=MINDS, asmbtr=AsmbtrConfig(protect=True)))
    protects = {name: contender(name, settings).settings.agents.asmbtr.protect for name in MEASURES}
    assert protects == dict.fromkeys(MEASURES, False) | {"asmbtr": True, "hybrid": True}


def test_contender_when_it_stands_beside_a_council_then_it_votes_and_alone_it_names_targets() -> None:
    lone, beside = (contender("sma", Settings(), votes=votes) for votes in (False, True))
    assert (dict(lone.settings.strategies["sma"].params), dict(beside.settings.strategies["sma"].params)) == (
        {},
        {"votes": True},
    )
    told = {name: contender(name, Settings()).names_targets for name in ("council", "sma", "asmbtr", "debate")}
    assert told == {"council": False, "sma": True, "asmbtr": False, "debate": False}


def test_contender_when_the_user_has_one_of_that_name_then_it_is_the_users(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("class Mine:\n    def on_bar(self, bar):\n        return 1.0\n")
    settings = Settings(strategies={"sma": StrategyConfig(path=str(path))})
    assert contender("sma", settings, votes=True).settings.strategies == settings.strategies
    file = contender(str(path), Settings())
    assert (file.label, file.voices, file.names_targets) == ("mine", ("mine",), True)


def test_contender_when_the_name_is_unknown_then_the_others_are_named() -> None:
    with pytest.raises(ConfigError, match="there is no strategy 'ichimoku'; there are "):
        contender("ichimoku", Settings())


@pytest.mark.parametrize("name", ["sma", "sma_cross", "macd", "bollinger", "asmbtr"])
async def test_run_contender_when_one_votes_alone_then_it_trades_and_pays_the_settings_costs(
    name: str, tmp_path: Path
) -> None:
    past = await read_past(data(tmp_path, 700))
    dear = PaperConfig(taker_fee_bps=Decimal(50))
    cheap = await run_contender(contender(name, settings_of(), votes=True), past)
    costly = await run_contender(contender(name, settings_of(paper=dear), votes=True), past)
    voters = {b.agent for cycle in cheap.cycles for b in cycle.ballots if isinstance(b, Vote)}
    assert voters == {name}
    assert len(cheap.fills) >= 2
    for result, rate in ((cheap, Decimal("0.001")), (costly, Decimal("0.005"))):
        assert result.fees == sum(fill.price * fill.quantity * rate for fill in result.fills)
    most = max(point.equity for point in cheap.equity) * Decimal("0.0501")
    assert all(fill.price * fill.quantity <= most for fill in cheap.fills if fill.side is Side.BUY)


@pytest.mark.parametrize("name", ["sma_cross", "bollinger", "hybrid"])
async def test_run_contender_when_the_future_is_another_then_the_past_is_the_same(name: str, tmp_path: Path) -> None:
    bars = batches(300)
    other = [*bars[:250], *batches(50, seed=9, start_ms=bars[250].ts_ms)]
    told = []
    for folder, each in ((tmp_path / "a", bars), (tmp_path / "b", other)):
        folder.mkdir()
        past = await read_past(write_files(folder, each).removeprefix("replay:").split(","))
        result = await run_contender(contender(name, settings_of(), votes=True), past)
        told.append([cycle for cycle in result.cycles if cycle.ts_ms < bars[250].ts_ms])
    assert told[0] == told[1]
    assert len(told[0]) == 500
