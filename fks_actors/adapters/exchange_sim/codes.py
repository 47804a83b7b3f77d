"""The venue's refusals: Binance's codes, messages and HTTP statuses.

Source: https://developers.binance.com/docs/binance-spot-api-docs/errors
"""


class VenueRefusal(Exception):
    """A request that the venue refuses; the server turns it into an answer. `retry_after_s` goes with 429 and 418."""

    def __init__(self, code: int, message: str, status: int = 400, retry_after_s: int = 0) -> None:
        super().__init__(code, message, status, retry_after_s)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s


def filter_failure(name: str) -> VenueRefusal:
    """An order that breaks the symbol's filter `name`."""
    return VenueRefusal(-1013, f"Filter failure: {name}")


def missing(name: str) -> VenueRefusal:
    """A request without a parameter that it needs."""
    return VenueRefusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, legal: str) -> VenueRefusal:
    """A parameter with characters that it may not have."""
    return VenueRefusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def rejected(message: str) -> VenueRefusal:
    """A new order that the matching engine does not take."""
    return VenueRefusal(-2010, message)


def insufficient() -> VenueRefusal:
    """A new order that the account cannot pay."""
    return rejected("Account has insufficient balance for requested action.")


def unknown_symbol() -> VenueRefusal:
    """A symbol that the venue does not have."""
    return VenueRefusal(-1121, "Invalid symbol.")


def unknown_order() -> VenueRefusal:
    """A query for an order that was never accepted."""
    return VenueRefusal(-2013, "Order does not exist.")


def not_open() -> VenueRefusal:
    """A cancel of an order that is not working."""
    return VenueRefusal(-2011, "Unknown order sent.")
