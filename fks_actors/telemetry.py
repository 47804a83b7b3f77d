"""Every metric, once: name, kind, help, labels. Base units; `fks_` prefix; `_total` on counters.

Each process counts in its own registry. `snapshot` takes the samples out, `merge` makes one page of many processes':
counters and histograms are added up, also those of processes that died (whoever gathers keeps their last snapshot), so
that a total never falls; gauges come from living processes only, added up or the newest one's, as the family says.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from fks_actors.errors import InvariantError

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, str, Labels, float]
"""(family, sample name, labels, value); plain data, cheap to send between actors."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0, 30.0)
SHIFT = (0.0, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
RATIO = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Kind(StrEnum):
    """What a family is. LAST and SUM are gauges: the newest process's value, or the sum over living processes."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    LAST = "last"
    SUM = "sum"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. `buckets` are upper bounds, for histograms only."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = FAST


C, H, L, S = Kind.COUNTER, Kind.HISTOGRAM, Kind.LAST, Kind.SUM

FAMILIES: tuple[Family, ...] = (
    Family("fks_webhook_requests_total", C, "Webhook requests by outcome code.", ("code",)),
    Family("fks_webhook_duration_seconds", H, "Time from a webhook request's body to its first answer."),
    Family("fks_webhook_in_flight", S, "Webhook requests being answered."),
    Family("fks_webhook_signature_failures_total", C, "Alerts with a missing or wrong secret or signature."),
    Family("fks_webhook_duplicates_total", C, "Alerts that were stored before."),
    Family("fks_webhook_stale_total", C, "Alerts that were too old."),
    Family("fks_webhook_low_confidence_total", C, "Alerts under the least confidence."),
    Family("fks_rate_limited_total", C, "Requests refused because their peer sent too many."),
    Family("fks_rate_limit_degraded", S, "Replicas that count requests in memory because Redis does not answer."),
    Family("fks_peer_denied_total", C, "Requests refused because their address is not on the allow-list."),
    Family("fks_security_events_total", C, "Refusals that the audit log is told of.", ("kind",)),
    Family("fks_security_events_dropped_total", C, "Refusals that were too many to keep for the audit log."),
    Family("fks_http_requests_total", C, "Answered HTTP requests, webhook included.", ("route", "status")),
    Family("fks_inbox_put_seconds", H, "Time to store a signal durably."),
    Family("fks_signals_total", C, "Signals by how the desk ended them.", ("status",)),
    Family("fks_orders_total", C, "Orders by how they ended.", ("venue", "side", "type", "status")),
    Family("fks_order_duration_seconds", H, "Time from an order's approval to its end.", ("venue",)),
    Family("fks_order_notional_quote_total", C, "Filled notional in quote currency.", ("venue", "side")),
    Family("fks_orders_denied_total", C, "Denied intents, once for each limit that spoke against them.", ("reason",)),
    Family("fks_orders_unknown_total", C, "Submissions whose outcome the venue left unknown.", ("venue",)),
    Family("fks_orders_reconciled_total", C, "Orders whose state was looked up at the venue.", ("venue",)),
    Family("fks_duplicates_prevented_total", C, "Submissions that met an order that the venue had.", ("venue",)),
    Family("fks_venue_requests_total", C, "Requests to a venue.", ("venue", "operation", "outcome")),
    Family("fks_venue_request_duration_seconds", H, "Time of a request to a venue.", ("venue", "operation")),
    Family("fks_breaker_state", L, "1 for the circuit breaker's present state, 0 otherwise.", ("venue", "state")),
    Family("fks_breaker_transitions_total", C, "Changes of the circuit breaker's state.", ("venue", "to")),
    Family("fks_venue_differences_total", C, "Differences between a venue and the journal.", ("venue",)),
    Family("fks_stream_up", L, "1 while a venue's stream is up.", ("venue", "stream")),
    Family("fks_trading_state", L, "1 for the present trading state, 0 for the others.", ("state",)),
    Family("fks_exposure_quote", L, "Gross value of the positions in quote currency."),
    Family("fks_drawdown_ratio", L, "Fall of equity from its highest value, 0 to 1."),
    Family("fks_reserved_quote", L, "Notional held back for unfinished orders, in quote currency."),
    Family("fks_equity_quote", L, "Cash and positions in quote currency."),
    Family("fks_cash_quote", L, "Cash in quote currency."),
    Family("fks_realised_pnl_quote", L, "Realised profit and loss, fees deducted."),
    Family("fks_unrealised_pnl_quote", L, "Profit and loss of the open positions at their marks."),
    Family("fks_fees_quote", L, "Fees paid so far."),
    Family("fks_open_positions", L, "Symbols held."),
    Family("fks_candles_total", C, "Closed bars taken in.", ("symbol",)),
    Family("fks_candle_lag_seconds", L, "Time from a bar's close to its arrival.", ("symbol",)),
    Family("fks_candle_gaps_total", C, "Bars that were missing.", ("symbol",)),
    Family("fks_candle_spikes_total", C, "Bars flagged as spikes.", ("symbol",)),
    Family("fks_data_quality_score", L, "Quality of a source of prices, 0 to 1.", ("source", "symbol")),
    Family("fks_price_deviation_ratio", L, "A source's last price against the others'.", ("source", "symbol")),
    Family("fks_sources_failing", L, "Sources of prices that cannot be trusted now."),
    Family("fks_trading_paused", L, "1 while failing data forbid new exposure, 0 otherwise."),
    Family("fks_stale_total", C, "Times that a symbol's bar was overdue.", ("symbol",)),
    Family("fks_volume_anomalies_total", C, "Bars of unusual volume.", ("symbol",)),
    Family("fks_actor_up", L, "1 while the actor answers, 0 otherwise.", ("actor",)),
    Family("fks_actor_restarts_total", C, "Restarts of an actor.", ("actor",)),
    Family("fks_vote_duration_seconds", H, "Time that a mind took to answer.", ("agent",)),
    Family("fks_votes_total", C, "Votes by mind and action.", ("agent", "action")),
    Family("fks_abstentions_total", C, "Abstentions by mind and reason.", ("agent", "reason")),
    Family("fks_agent_weight", L, "What a mind's vote weighs, 1 on average.", ("agent",)),
    Family("fks_agent_brier", L, "Mean squared error of a mind's probabilities, 0 to 1.", ("agent", "horizon")),
    Family("fks_calibration_error", L, "Expected calibration error of a mind, 0 to 1.", ("agent", "horizon")),
    Family("fks_agent_outcomes_total", C, "Votes that were held against what happened.", ("agent",)),
    Family("fks_headlines_total", C, "Headlines scored.", ("source",)),
    Family("fks_headlines_dropped_total", C, "Headlines that were not scored, by why.", ("reason",)),
    Family("fks_news_requests_total", C, "Requests to a news source by how they ended.", ("source", "outcome")),
    Family("fks_news_age_seconds", L, "Age of a news source's newest headline.", ("source",)),
    Family("fks_sentiment_score", L, "Score of the headlines, -1 to 1.", ("symbol",)),
    Family("fks_decisions_total", C, "Decisions by what the debate wanted and what came of it.", ("action", "outcome")),
    Family("fks_decision_duration_seconds", H, "Time from a bar's arrival to its decision being recorded."),
    Family("fks_consensus_strength", H, "Strength of the verdicts, 0 to 1.", (), RATIO),
    Family("fks_llm_requests_total", C, "Requests to a model, sent or held back.", ("provider", "tier", "outcome")),
    Family("fks_llm_tokens_total", C, "Tokens, as the provider reports them.", ("provider", "direction")),
    Family(
        "fks_llm_cost_usd_total", C, "Spent on models, the worst case of unknown ends included.", ("provider", "agent")
    ),
    Family("fks_llm_quota_remaining", L, "Requests that a provider's daily quota still allows.", ("provider",)),
    Family("fks_llm_budget_remaining_usd", L, "What an agent may still spend today.", ("agent",)),
    Family("fks_llm_cache_hits_total", C, "Questions that were answered before."),
    Family("fks_llm_invalid_answers_total", C, "Answers of models that were rejected.", ("code",)),
    Family("fks_llm_request_duration_seconds", H, "Time of a request to a model.", ("provider",), SLOW),
    Family("fks_forecast_crps", L, "CRPS of the scored forecasts, in log return.", ("symbol", "model")),
    Family("fks_forecast_mase", L, "MASE of the scored forecasts' medians.", ("symbol", "model")),
    Family("fks_forecast_coverage_ratio", L, "Outcomes within the 90 % interval, 0 to 1.", ("symbol", "model")),
    Family("fks_debates_total", C, "Debates by what called for them and how they ended.", ("trigger", "outcome")),
    Family("fks_debate_duration_seconds", H, "Time that a decision waited for its debate.", (), SLOW),
    Family("fks_debate_shift", H, "How far a debate moved the score of its verdict.", (), SHIFT),
    Family("fks_debate_turns_total", C, "Turns of debates by how the question ended.", ("role", "outcome")),
    Family("fks_shadow_equity", L, "Equity of a paper portfolio beside the desk.", ("shadow",)),
    Family("fks_shadow_up", L, "1 while the paper portfolio follows the desk, 0 once it stopped.", ("shadow",)),
    Family("fks_jobs_running", L, "Backtests, optimisations and sweeps that run as jobs."),
    Family("fks_jobs_queued", L, "Jobs that wait for one that runs to end."),
    Family("fks_jobs_total", C, "Jobs by kind and how they ended.", ("kind", "outcome")),
    Family("fks_journal_append_seconds", H, "Time to append a commit durably."),
    Family("fks_journal_errors_total", C, "Journal or inbox operations that storage refused.", ("operation",)),
    Family("fks_build_info", L, "Always 1; the labels tell what runs.", ("version", "python", "ray")),
)
BY_NAME: Mapping[str, Family] = {family.name: family for family in FAMILIES}


class Telemetry:
    """The metrics of one process. A metric exists from its first use on; keep the child that you are given.

    Args:
        source: names this process among all that ever ran (role, process id and something random).
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._registry = CollectorRegistry()
        self._metrics: dict[str, Counter | Gauge | Histogram] = {}
        self._children: dict[tuple[str, ...], Counter | Gauge | Histogram] = {}

    def counter(self, name: str, *labels: str) -> Counter:
        """The counter of these label values; `.inc()` it."""
        child = self._child(name, labels)
        if not isinstance(child, Counter):
            raise InvariantError(f"{name} is no counter")
        return child

    def gauge(self, name: str, *labels: str) -> Gauge:
        """The gauge of these label values; `.set()` it."""
        child = self._child(name, labels)
        if not isinstance(child, Gauge):
            raise InvariantError(f"{name} is no gauge")
        return child

    def histogram(self, name: str, *labels: str) -> Histogram:
        """The histogram of these label values; `.observe()` seconds or ratios."""
        child = self._child(name, labels)
        if not isinstance(child, Histogram):
            raise InvariantError(f"{name} is no histogram")
        return child

    def snapshot(self) -> list[Sample]:
        """All samples of this process as plain tuples."""
        return [
            (family.name, sample.name, tuple(sorted(sample.labels.items())), float(sample.value))
            for family in FAMILIES
            if family.name in self._metrics
            for metric in self._metrics[family.name].collect()
            for sample in metric.samples
            if not sample.name.endswith("_created")
        ]

    def _child(self, name: str, labels: tuple[str, ...]) -> Counter | Gauge | Histogram:
        key = (name, *labels)
        child = self._children.get(key)
        if child is None:
            metric = self._metrics.get(name) or self._metrics.setdefault(name, self._made(BY_NAME[name]))
            child = metric.labels(*labels) if labels else metric
            self._children[key] = child
        return child

    def _made(self, family: Family) -> Counter | Gauge | Histogram:
        if family.kind is Kind.COUNTER:
            return Counter(family.name, family.help, family.labels, registry=self._registry)
        if family.kind is Kind.HISTOGRAM:
            return Histogram(family.name, family.help, family.labels, buckets=family.buckets, registry=self._registry)
        return Gauge(family.name, family.help, family.labels, registry=self._registry)


def merge(living: Mapping[str, Sequence[Sample]], dead: Mapping[str, Sequence[Sample]] | None = None) -> str:
    """One Prometheus page of many processes' snapshots.

    Args:
        living: snapshots by source, the newest last.
        dead: last snapshots of processes that are gone; their gauges are left out.
    """
    found: dict[str, dict[tuple[str, Labels], float]] = {}
    for samples, alive in [*((s, False) for s in (dead or {}).values()), *((s, True) for s in living.values())]:
        _add(found, samples, alive)
    lines: list[str] = []
    for family in FAMILIES:
        if family.kind is Kind.COUNTER and not family.labels:
            found.setdefault(family.name, {}).setdefault((family.name, ()), 0.0)
        if family.name in found:
            lines.extend(_page(family, found[family.name]))
    return "\n".join(lines) + "\n"


def _add(found: dict[str, dict[tuple[str, Labels], float]], samples: Iterable[Sample], alive: bool) -> None:
    for name, sample, labels, value in samples:
        family = BY_NAME.get(name)
        if family is None or (not alive and family.kind in (Kind.LAST, Kind.SUM)):
            continue
        values = found.setdefault(name, {})
        key = (sample, labels)
        values[key] = value if family.kind is Kind.LAST else values.get(key, 0.0) + value


def _page(family: Family, values: Mapping[tuple[str, Labels], float]) -> list[str]:
    kind = "gauge" if family.kind in (Kind.LAST, Kind.SUM) else family.kind.value
    lines = [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {kind}"]
    for (sample, labels), value in values.items():
        inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
        lines.append(f"{sample}{{{inside}}} {_printed(value)}" if inside else f"{sample} {_printed(value)}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _printed(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)


class Gathering:
    """The last snapshot of every process, for the one actor that gathers them. Bounded: old dead ones are added up.

    Args:
        silent_ms: a process that has not pushed for so long counts as dead until it pushes again.
    """

    def __init__(self, silent_ms: int = 60_000, max_dead: int = 256) -> None:
        self._silent_ms = silent_ms
        self._max_dead = max_dead
        self._pushed: OrderedDict[str, tuple[int, Sequence[Sample]]] = OrderedDict()
        self._buried: list[Sample] = []
        self._bases: dict[str, Sequence[Sample] | None] = {}

    def push(self, source: str, samples: Sequence[Sample], now_ms: int) -> None:
        """Take a process's present snapshot. One that was added up and yet comes back counts from there on anew."""
        if source in self._bases:
            base = self._bases[source] or samples
            self._bases[source] = base
            samples = [*_gauges(samples), *_summed(samples, [(*each[:3], -each[3]) for each in base])]
        self._pushed[source] = (now_ms, samples)
        self._pushed.move_to_end(source)
        dead = [name for name, (at_ms, _) in self._pushed.items() if now_ms - at_ms > self._silent_ms]
        for name in dead[: max(0, len(dead) - self._max_dead)]:
            self._buried = _summed(self._buried, self._pushed.pop(name)[1])
            self._bases[name] = None

    def page(self, now_ms: int) -> str:
        """The Prometheus text of the whole cluster."""
        living = {s: v for s, (at_ms, v) in self._pushed.items() if now_ms - at_ms <= self._silent_ms}
        dead = {s: v for s, (_, v) in self._pushed.items() if s not in living}
        return merge(living, {"": self._buried, **dead})


def _gauges(samples: Sequence[Sample]) -> list[Sample]:
    return [s for s in samples if (family := BY_NAME.get(s[0])) and family.kind in (Kind.LAST, Kind.SUM)]


def _summed(first: Sequence[Sample], second: Sequence[Sample]) -> list[Sample]:
    total: dict[str, dict[tuple[str, Labels], float]] = {}
    _add(total, first, False)
    _add(total, second, False)
    return [
        (name, sample, labels, value) for name, values in total.items() for (sample, labels), value in values.items()
    ]
