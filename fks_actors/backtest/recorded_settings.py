"""The settings of a run as its RunRecord holds them: all that a decision depends on, and no secret.

Written in full, defaults included, so that a default which changes later changes no decision of before. What only says
where things lie or who may ask (journal, HTTP edge, feed, news) is left out, and so is a password in a URL.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from pydantic import ValidationError

from fks_actors.backtest.run import desk_config
from fks_actors.desk.config import PAPER, VenuePlan
from fks_actors.errors import ConfigError
from fks_actors.execution.config import default_rules
from fks_actors.model.records import RunAccount, RunRecord
from fks_actors.settings import Settings, without_password

_ELSEWHERE = frozenset({"feed", "news", "webhook", "journal", "redis", "serve", "cluster"})


def with_settings(
    run: RunRecord, settings: Settings, plans: Iterable[VenuePlan], cash: Mapping[str, Decimal]
) -> RunRecord:
    """The run's record with the settings and the venues that it is about to work under."""
    text = written(settings)
    accounts = tuple(
        RunAccount(p.name, p.exchange, p.real, cash.get(p.name, Decimal(0)), p.claims, tuple(p.markets.values()))
        for p in plans
    )
    return replace(run, settings=text, settings_digest=hashlib.sha256(text.encode()).hexdigest(), accounts=accounts)


def written(settings: Settings) -> str:
    """The settings that decisions depend on, as JSON with sorted keys."""
    dumped = settings.model_dump(mode="json", exclude=set(_ELSEWHERE))
    dumped["reflection"] = desk_config(settings, (), PAPER).reflection.model_dump(mode="json")
    if "season_bars" not in settings.agents.forecast.model_fields_set:
        del dumped["agents"]["forecast"]["season_bars"]  # it follows from the length of the bars
    return json.dumps(_bare(dumped), sort_keys=True, separators=(",", ":"))


def settings_of(run: RunRecord, otherwise: Settings) -> Settings:
    """The settings of a run; `otherwise` where its record holds none.

    Raises:
        ConfigError: this code does not know them any more, or they are not those that were written down.
    """
    if not run.settings:
        return otherwise
    if hashlib.sha256(run.settings.encode()).hexdigest() != run.settings_digest:
        raise ConfigError(f"the settings recorded for run {run.run_id} were changed since: `fks journal verify` shows")
    try:
        return Settings.model_validate(json.loads(run.settings))
    except (ValidationError, ValueError) as error:
        raise ConfigError(f"run {run.run_id} of FKS {run.version} had settings unknown here: {error}") from None


Venues = tuple[tuple[VenuePlan, ...], dict[str, Decimal]]


def venues_of(run: RunRecord, settings: Settings, anew: bool = False) -> Venues:
    """The venues of a run, and what each account started with (quote).

    `anew`: the paper venues' rules follow from `settings`; those of real venues are what the venue said then. Of a
    record without venues all follow from the settings: one paper venue each.
    """
    if not run.accounts:
        names = run.venues or (PAPER,)
        markets = {symbol: default_rules(symbol, settings.paper) for symbol in run.symbols}
        cash = dict.fromkeys(names, run.cash if len(names) == 1 else settings.desk.cash)
        return tuple(VenuePlan(name, PAPER, False, markets, _claims(settings, name)) for name in names), cash
    plans = []
    for held in run.accounts:
        markets = {rules.symbol: rules for rules in held.markets}
        if anew and not held.real:
            markets = {symbol: default_rules(symbol, settings.paper) for symbol in markets}
        plans.append(VenuePlan(held.venue, held.exchange, held.real, markets, held.claims))
    return tuple(plans), {held.venue: held.cash for held in run.accounts}


def _claims(settings: Settings, venue: str) -> tuple[str, ...]:
    return settings.venues[venue].symbols if venue in settings.venues else ()


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_bare(each) for each in value]
    return without_password(value) if isinstance(value, str) and "://" in value else value
