"""The table of faults, row by row: what certainly did nothing, and what must be looked up."""

import ccxt
import pytest

from fks_actors.adapters.ccxt_venue.faults import CLASSES, FaultKind, judge

R, D, M = FaultKind.REFUSED, FaultKind.DUPLICATE, FaultKind.MISSING
L, C, N, U = FaultKind.RATE_LIMITED, FaultKind.CLOCK, FaultKind.NOT_SENT, FaultKind.UNKNOWN


def binance(code: int, message: str = "...") -> str:
    return f'binance {{"code":{code},"msg":"{message}"}}'


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ccxt.InsufficientFunds("binance Account has insufficient balance for requested action."), R),
        (ccxt.InvalidOrder(binance(-2010, "Order would immediately match and take.")), R),
        (ccxt.InvalidOrder(binance(-2010, "Duplicate order sent.")), D),
        (ccxt.DuplicateOrderId("okx duplicate clOrdId"), D),
        (ccxt.BadRequest(binance(-1013, "Filter failure: LOT_SIZE")), R),
        (ccxt.BadSymbol(binance(-1121, "Invalid symbol.")), R),
        (ccxt.BadRequest(binance(-1102)), R),
        (ccxt.AuthenticationError(binance(-1022)), R),
        (ccxt.AuthenticationError(binance(-2015)), R),
        (ccxt.MarketClosed("binance Market is closed."), R),
        (ccxt.PermissionDenied("okx no permission"), R),
        (ccxt.ArgumentsRequired("symbol"), R),
        (ccxt.NotSupported("no such type"), R),
        (ccxt.InvalidNonce(binance(-1021)), C),
        (ccxt.InvalidNonce("kraken EAPI:Invalid nonce"), C),
        (ccxt.DDoSProtection("binance 429 Too Many Requests"), L),
        (ccxt.DDoSProtection("binance 418 I'm a teapot"), L),
        (ccxt.DDoSProtection(binance(-2015)), L),
        (ccxt.RateLimitExceeded(binance(-1003)), L),
        (ccxt.RateLimitExceeded(binance(-1015)), L),
        (ccxt.OrderNotFound(binance(-2013)), M),
        (ccxt.OrderNotFound(binance(-2011)), M),
        (ccxt.RequestTimeout("binance POST"), U),
        (ccxt.RequestTimeout(binance(-1007)), U),
        (ccxt.OperationFailed(binance(-1006)), U),
        (ccxt.OperationFailed(binance(-1000)), U),
        (ccxt.OperationRejected(binance(-1004)), U),
        (ccxt.OperationFailed(binance(-1008)), U),
        (ccxt.ExchangeNotAvailable("binance POST 502 Bad Gateway"), U),
        (ccxt.OnMaintenance("okx 50001"), U),
        (ccxt.NetworkError("reset"), U),
        (ccxt.BadResponse("not JSON"), U),
        (ccxt.NullResponse(""), U),
        (ccxt.ExchangeError("something new"), U),
        (ValueError("could not parse"), U),
        (KeyError("orderId"), U),
        (TimeoutError(), U),
    ],
)
def test_error_when_judged_then_is_what_the_table_says(error: Exception, kind: FaultKind) -> None:
    fault = judge(error)
    assert fault.kind is kind
    assert fault.certain == (kind in (R, L, C, N))
    assert fault.reason


def test_error_when_no_connection_came_about_then_nothing_was_sent() -> None:
    error = ccxt.ExchangeNotAvailable("binance POST")
    error.__cause__ = ConnectionRefusedError(111, "refused")
    assert judge(error).kind is N


def test_error_when_the_connection_broke_after_the_request_then_the_outcome_is_unknown() -> None:
    error = ccxt.ExchangeNotAvailable("binance POST")
    error.__cause__ = ConnectionResetError(104, "reset by peer")
    assert judge(error).kind is U


def test_error_when_only_orders_are_too_many_then_other_requests_may_go_on() -> None:
    assert judge(ccxt.RateLimitExceeded('binance {"code":-1015,"msg":"Too many new orders"}')).orders_only
    assert not judge(ccxt.RateLimitExceeded('binance {"code":-1003,"msg":"Too much weight"}')).orders_only


def test_table_when_read_then_names_classes_that_ccxt_has() -> None:
    assert all(issubclass(getattr(ccxt, name), ccxt.BaseError) for name, _ in CLASSES)


def test_every_error_of_ccxt_when_it_may_have_been_accepted_then_is_not_called_certain() -> None:
    network = [e for e in vars(ccxt).values() if isinstance(e, type) and issubclass(e, ccxt.NetworkError)]
    certain = {e.__name__ for e in network if judge(e("x")).certain}
    assert certain == {"DDoSProtection", "RateLimitExceeded", "InvalidNonce", "ChecksumError"}


def test_reason_when_the_request_was_signed_then_its_query_is_left_out() -> None:
    text = "binance GET http://127.0.0.1/api/v3/order?timestamp=1&symbol=BTCUSDT&signature=ab12 502 Bad Gateway"
    assert judge(ccxt.ExchangeNotAvailable(text)).reason == "binance GET http://127.0.0.1/api/v3/order 502 Bad Gateway"
