"""`/api/v1/orders`: an operator ends or changes working orders. Risk rules on what takes their place."""

import uuid
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from deployments import render, shapes
from deployments.answers import ApiError, documented, json_answer
from deployments.ports import Desk
from fks_actors.desk.state import Change
from fks_actors.model.orders import Order

Key = Annotated[str, Path(max_length=128)]
Amount = Annotated[Decimal, Field(gt=0, le=10**15, max_digits=36, decimal_places=18, allow_inf_nan=False)]
Id = Annotated[str, Field(max_length=64, description="Repeating a request with the same id changes nothing more.")]


_BAD_BODY = documented(_400="the body is not JSON")


class CancelBody(BaseModel):
    """Which orders to end; none named means all that work."""

    model_config = ConfigDict(extra="forbid")
    orders: list[Annotated[str, Field(min_length=1, max_length=128)]] = Field(default=[], max_length=500)
    id: Id = ""


class ReplaceBody(BaseModel):
    """What changes: the limit or stop price (quote), the whole quantity (base, never more than before), or both."""

    model_config = ConfigDict(extra="forbid")
    price: Amount | None = None
    quantity: Amount | None = None
    id: Id = ""


def add_order_routes(routes: APIRouter, desk: Desk) -> None:
    """Cancel, cancel all, replace."""

    @routes.post("/orders/cancel", response_model=list[shapes.OrderShape], tags=["orders"], responses=_BAD_BODY)
    async def cancel(body: CancelBody) -> Response:
        """End working orders; the answer lists those that worked, as they stood. The end itself shows in `orders`."""
        return json_answer(_rows(await desk.cancel(body.id or uuid.uuid4().hex, body.orders)))

    @routes.post(
        "/orders/{client_order_id}/replace",
        response_model=shapes.OrderShape,
        tags=["orders"],
        responses={**_BAD_BODY, **documented(_404="no working order has that id")},
    )
    async def replace(client_order_id: Key, body: ReplaceBody) -> Response:
        """Change a working order: it is cancelled, and once that is confirmed what is left of it is proposed anew."""
        if body.price is None and body.quantity is None:
            raise ApiError(422, "missing_field", "price or quantity is required", "price")
        change = Change(body.price, body.quantity)
        order = await desk.replace(body.id or uuid.uuid4().hex, client_order_id, change)
        if order is None:
            raise ApiError(404, "not_found", "no working order has that id")
        return json_answer(render.order(order))


def _rows(orders: list[Order]) -> list[Any]:
    return [render.order(order) for order in orders]
