import ast
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from fks_actors.errors import InvariantError
from fks_actors.model.orders import Order, OrderStatus
from fks_actors.risk.rulings import reissue
from tests.unit.risk.cases import T0, approved, propose, start

ROOT = Path(__file__).parents[3]
MAKER = ROOT / "fks_actors" / "risk" / "rulings.py"
TESTS_OF_TYPE = {"isinstance", "issubclass"}


def made(tree: ast.AST) -> Iterator[int]:
    """Lines that construct `Approved`, hand it to something that could, or rename it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            guilty = any(a.name == "Approved" and a.asname for a in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            guilty = node.value is not None and named(node.value)
        elif isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            handed = [*node.args, *(k.value for k in node.keywords)]
            guilty = named(node.func) or (called not in TESTS_OF_TYPE and any(named(a) for a in handed))
        else:
            guilty = False
        if guilty:
            yield node.lineno


def named(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "Approved") or (
        isinstance(node, ast.Attribute) and node.attr == "Approved"
    )


def test_source_tree_when_parsed_then_only_rulings_constructs_an_approval() -> None:
    found = {
        path: lines
        for folder in ("fks_actors", "deployments")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (lines := list(made(ast.parse(path.read_text("utf-8")))))
    }
    assert set(found) == {MAKER}


@pytest.mark.parametrize(
    "text",
    [
        "Approved(intent, cash)",
        "orders.Approved(intent, cash)",
        "msgspec.convert(raw, Approved)",
        "msgspec.json.Decoder(type=Approved)",
        "from fks_actors.model.orders import Approved as Yes",
        "yes = Approved",
    ],
)
def test_guard_when_an_approval_is_made_elsewhere_then_sees_it(text: str) -> None:
    assert list(made(ast.parse(text))) == [1]


@pytest.mark.parametrize("text", ["isinstance(r, Approved)", "def f(a: Approved) -> Approved: ..."])
def test_guard_when_an_approval_is_only_named_then_is_silent(text: str) -> None:
    assert list(made(ast.parse(text))) == []


def test_reissue_when_the_order_is_durable_but_its_fate_unknown_then_gives_the_same_approval() -> None:
    _, ruling = approved(start(), propose())
    order = Order(ruling.intent, OrderStatus.UNKNOWN, T0, ruling.reserved_quote)
    assert reissue(order) == ruling


def test_reissue_when_the_order_is_known_at_the_venue_then_raises() -> None:
    _, ruling = approved(start(), propose())
    with pytest.raises(InvariantError, match="accepted"):
        reissue(Order(ruling.intent, OrderStatus.ACCEPTED, T0, Decimal(1)))
