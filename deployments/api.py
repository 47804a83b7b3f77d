"""`/api/v1`: the journal and the desk, behind a bearer token; `health`, `ready` and `/metrics` need none."""

import asyncio
import hmac
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from deployments import decision_shapes, render, shapes, verdicts
from deployments.answers import ApiError, documented, json_answer
from deployments.job_routes import add_job_routes
from deployments.order_routes import add_order_routes
from deployments.ports import Desk, Jobs
from deployments.tape import Tape
from deployments.view import View
from fks_actors.errors import FksError
from fks_actors.model.orders import OrderStatus
from fks_actors.model.records import CycleOutcome, TradingState
from fks_actors.telemetry import CONTENT_TYPE, Telemetry, merge
from fks_actors.webhook.symbols import match_symbol

Cursor = Annotated[str, Query(max_length=256, description="`next_cursor` of the page before; empty for the first")]
Limit = Annotated[int, Query(ge=1, le=500)]
Symbol = Annotated[str, Query(max_length=64)]
Key = Annotated[str, Path(max_length=256)]
_METRICS_S = 3.0
_REFUSALS = documented(
    _401="the bearer token is missing or wrong",
    _404="nothing is recorded there",
    _422="a parameter is missing, unknown or out of bounds",
    _503="the desk or the journal does not answer",
)
_BAD_BODY = documented(_400="the body is not JSON")
T = TypeVar("T")


class DecideBody(BaseModel):
    """Which symbol to judge."""

    model_config = ConfigDict(extra="forbid")
    symbol: str = Field(min_length=1, max_length=64)


class ControlBody(BaseModel):
    """The trading state that is wanted, and why. Repeating a request with the same `id` changes nothing more."""

    model_config = ConfigDict(extra="forbid")
    state: TradingState
    reason: str = Field(min_length=1, max_length=200)
    id: str = Field(default="", max_length=64)


def guarded(token: SecretStr) -> Callable[..., Awaitable[None]]:
    """The dependency that lets only the bearer of `token` pass; compared in constant time."""
    expected = token.get_secret_value().encode()
    scheme = HTTPBearer(auto_error=False)

    async def guard(given: Annotated[HTTPAuthorizationCredentials | None, Depends(scheme)]) -> None:
        shown = given.credentials.encode("utf-8", "surrogatepass") if given else b""
        if not hmac.compare_digest(shown, expected):
            raise ApiError(401, "unauthorized", "the bearer token is missing or wrong")

    return guard


def open_router(view: View) -> APIRouter:
    """What needs no token, and tells nothing that would."""
    routes = APIRouter(prefix="/api/v1", tags=["health"])

    @routes.get("/health", summary="Is this replica alive?")
    async def health() -> Response:
        """Always ok where it is answered."""
        return json_answer({"status": "ok"})

    @routes.get("/ready", summary="Can the desk trade?", responses=documented(_503="a part is not ready"))
    async def ready() -> Response:
        """Ok, or which part is not."""
        missing = await view.missing_part()
        if missing:
            raise ApiError(503, "unavailable", f"not ready: {missing}", missing)
        return json_answer({"status": "ok"})

    return routes


def router(
    view: View,
    desk: Desk,
    tape: Tape,
    token: SecretStr,
    symbols: tuple[str, ...],
    telemetry: Telemetry,
    jobs: Jobs,
    upload_mb: int,
) -> APIRouter:
    """The query API, the controls and the jobs, behind the token."""
    routes = APIRouter(prefix="/api/v1", dependencies=[Depends(guarded(token))], responses=_REFUSALS)
    _add_lists(routes, view, symbols)
    _add_state(routes, view)
    _add_desk(routes, desk, tape, symbols, telemetry)
    add_order_routes(routes, desk)
    add_job_routes(routes, jobs, upload_mb)
    _add_unbuilt(routes)
    return routes


def _add_lists(routes: APIRouter, view: View, symbols: tuple[str, ...]) -> None:
    reader = view.reader

    @routes.get("/decisions", response_model=shapes.DecisionPage, tags=["journal"])
    async def decisions(
        cursor: Cursor = "", limit: Limit = 50, symbol: Symbol = "", outcome: CycleOutcome | None = None
    ) -> Response:
        """Decisions with every vote, newest first."""
        wanted = known(symbol, symbols)
        rows, after = await _page(reader.decisions, cursor, limit, wanted, outcome or "")
        return json_answer({"items": [verdicts.decision(row) for row in rows], "next_cursor": after})

    @routes.get("/decisions/{decision_id:path}", response_model=decision_shapes.DecisionShape, tags=["journal"])
    async def decision(decision_id: Key) -> Response:
        """One decision."""
        return json_answer(verdicts.decision(_found(await asyncio.to_thread(reader.decision, decision_id))))

    @routes.get("/signals/{signal_id}", response_model=shapes.SignalShape, tags=["journal"])
    async def signal(signal_id: Key) -> Response:
        """What became of a webhook alert, once the desk has taken it up."""

        def read() -> shapes.SignalShape:
            record = _found(reader.signal(signal_id))
            return render.signal(record, [o for key in record.client_order_ids if (o := reader.order(key))])

        return json_answer(await asyncio.to_thread(read))

    @routes.get("/orders", response_model=shapes.OrderPage, tags=["journal"])
    async def orders(
        cursor: Cursor = "", limit: Limit = 50, symbol: Symbol = "", status: OrderStatus | None = None
    ) -> Response:
        """Orders in their present state, newest first."""
        rows, after = await _page(reader.orders, cursor, limit, known(symbol, symbols), status or "")
        return json_answer({"items": [render.order(row) for row in rows], "next_cursor": after})

    @routes.get("/trades", response_model=shapes.FillPage, tags=["journal"])
    async def trades(
        cursor: Cursor = "",
        limit: Limit = 50,
        symbol: Symbol = "",
        order: Annotated[str, Query(max_length=128)] = "",
    ) -> Response:
        """Fills, newest first; `order` is a client order id."""
        rows, after = await _page(reader.fills, cursor, limit, known(symbol, symbols), order)
        return json_answer({"items": [render.fill(row) for row in rows], "next_cursor": after})

    @routes.get("/equity", response_model=list[shapes.EquityShape], tags=["account"])
    async def equity(
        since_ms: Annotated[int, Query(ge=0, le=10**14)] = 0, points: Annotated[int, Query(ge=2, le=5000)] = 500
    ) -> Response:
        """The equity curve, oldest first, thinned to `points`."""
        return json_answer([render.equity(p) for p in await asyncio.to_thread(reader.equity, since_ms, points)])


def _add_state(routes: APIRouter, view: View) -> None:
    @routes.get("/status", response_model=shapes.StatusShape, tags=["desk"])
    async def status() -> Response:
        """The whole in short; `desk.reachable` is false where only the journal speaks."""
        return json_answer(await view.status())

    @routes.get("/account", response_model=shapes.AccountShape, tags=["account"])
    async def account() -> Response:
        """What is owned, at risk's marks."""
        return json_answer(render.account(await view.known_state()))

    @routes.get("/positions", response_model=list[shapes.PositionShape], tags=["account"])
    async def positions() -> Response:
        """What is held."""
        return json_answer(render.positions(await view.known_state()))

    @routes.get("/shadows", response_model=shapes.ShadowsShape, tags=["account"])
    async def shadows() -> Response:
        """Paper portfolios that follow the desk's own bars: baselines, and other configurations; nothing is traded.

        Each test tells whether one earned more than the desk, or than the desk's configuration on paper (`twin`), by an
        interval that may be looked at as often as one likes.
        """
        return json_answer(await view.shadows())

    @routes.get("/risk", response_model=shapes.RiskShape, tags=["account"])
    async def risk() -> Response:
        """The trading state, reservations and marks."""
        state = await view.known_state()
        return json_answer(render.risk(state, await asyncio.to_thread(view.reader.controls, 20)))


def _add_desk(routes: APIRouter, desk: Desk, tape: Tape, symbols: tuple[str, ...], telemetry: Telemetry) -> None:
    @routes.get("/agents", tags=["desk"])
    async def agents() -> Response:
        """Every actor and its state."""
        return json_answer(await desk.agents())

    @routes.post("/decide", response_model=decision_shapes.DecideShape, tags=["desk"], responses=_BAD_BODY)
    async def decide(body: DecideBody) -> Response:
        """What the minds say of the last bar, and a debate over it; nothing is traded."""
        return json_answer(verdicts.decide(await desk.decide(known(body.symbol, symbols))))

    @routes.post("/control", tags=["desk"], responses=_BAD_BODY)
    async def control(body: ControlBody) -> Response:
        """Change what the desk may do: active, reducing or halted."""
        return json_answer(await desk.control(body.id or uuid.uuid4().hex, body.state, body.reason))

    @routes.get("/metrics-summary", tags=["desk"])
    async def metrics_summary() -> Response:
        """The metrics as JSON, without histogram buckets."""
        return json_answer(_summary(await _cluster_page(desk, telemetry)))

    @routes.get("/stream", tags=["desk"], response_class=StreamingResponse)
    async def stream() -> StreamingResponse:
        """Server-sent events: status, decision, order, fill, equity. The first one is a status."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(tape.listen(), 200, headers, "text/event-stream")


def _add_unbuilt(routes: APIRouter) -> None:
    async def unbuilt() -> Response:
        """Not built yet."""
        raise ApiError(501, "not_implemented", "this part of the API is not implemented yet")

    routes.add_api_route(
        "/lessons", unbuilt, methods=["GET"], status_code=501, summary="Not built yet", tags=["not implemented yet"]
    )


def metrics_router(desk: Desk, telemetry: Telemetry) -> APIRouter:
    """`/metrics` for Prometheus."""
    routes = APIRouter(tags=["metrics"])

    @routes.get("/metrics", summary="Prometheus text of the whole cluster", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """The cluster's page; this replica's own figures alone where the desk does not answer."""
        return Response(await _cluster_page(desk, telemetry), 200, media_type=CONTENT_TYPE)

    return routes


async def _cluster_page(desk: Desk, telemetry: Telemetry) -> str:
    own = telemetry.snapshot()
    try:
        async with asyncio.timeout(_METRICS_S):
            await desk.push(telemetry.source, own)
            return await desk.metrics()
    except (FksError, TimeoutError):
        return merge({telemetry.source: own})


def known(symbol: str, symbols: tuple[str, ...]) -> str:
    """The desk's own spelling of `symbol`; an empty one stays empty."""
    if not symbol:
        return ""
    matched = match_symbol(symbol, symbols)
    if matched is None:
        raise ApiError(422, "symbol_unknown", "this desk does not know that symbol", "symbol")
    return matched


async def _page(read: Callable[..., Any], cursor: str, limit: int, *filters: str) -> Any:
    try:
        return await asyncio.to_thread(read, cursor, limit, *filters)
    except ValueError:
        raise ApiError(422, "invalid_field", "that cursor is not one of ours", "cursor") from None


def _found(value: T | None) -> T:
    if value is None:
        raise ApiError(404, "not_found", "nothing is recorded under that id")
    return value


def _summary(page: str) -> list[dict[str, Any]]:
    return [
        {
            "name": family.name,
            "kind": family.type,
            "help": family.documentation,
            "samples": [
                {"name": sample.name, "labels": sample.labels, "value": sample.value}
                for sample in family.samples
                if not sample.name.endswith("_bucket")
            ],
        }
        for family in text_string_to_metric_families(page)
    ]
