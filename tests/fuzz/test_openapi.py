"""Every operation of the OpenAPI document with generated data, good and bad: the answers are those it documents."""

from typing import Any

import pytest
import schemathesis
from schemathesis.checks import CHECKS

from deployments.gateway import make_app
from deployments.job_shapes import EXAMPLES
from fks_actors.webhook.authenticity import signature
from tests.edge import BEARER, SECRET, TOKEN, gateway_over
from tests.fake_desk import FakeJobs, job_row
from tests.fakes import Scene
from tests.fuzz.conftest import Watch, examples

SCENE = Scene(30)
NAMES = ("status_code_conformance", "content_type_conformance", "response_schema_conformance", "ignored_auth")


class Signing:
    """The app behind a sender that signs every alert that has no signature."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        given = {name.lower() for name, _ in scope.get("headers", ())}
        if not scope.get("path", "").startswith("/webhook") or b"x-signature" in given:
            await self._app(scope, receive, send)
            return
        raw, more = b"", True
        while more:
            message = await receive()
            raw, more = raw + message.get("body", b""), message.get("more_body", False)
        signed = [*scope["headers"], (b"x-signature", signature(raw, SECRET).encode())]

        async def again() -> Any:
            return {"type": "http.request", "body": raw, "more_body": False}

        await self._app({**scope, "headers": signed}, again, send)


DEBATED = next(row for row in SCENE.reader.cycle_rows if row.debate is not None)
SCENE.desk.votes, SCENE.desk.debate = DEBATED.ballots, DEBATED.debate
RATE = {"rate_limit_per_minute": 1_000_000, "burst": 1_000_000}
ROWS = [job_row(1), job_row(2, "running"), job_row(3, "failed")]
JOBS = FakeJobs({row["id"]: row for row in ROWS})
APP = Signing(make_app(gateway_over(reader=SCENE.reader, desk=SCENE.desk, jobs=JOBS, **RATE)))
schema = (
    schemathesis.openapi.from_asgi("/openapi.json", APP)
    .exclude(path="/api/v1/stream")  # has no end; tests/integration/http/test_api.py reads it
    .exclude(tag="not implemented yet")
)


def only_503(_: Any, response: Any, case: Any) -> None:
    """No 5xx but 503, no traceback, no secret but one that the request's own fields brought."""
    assert response.status_code < 500 or response.status_code == 503, (response.status_code, case)
    brought = repr((case.path_parameters, case.query, case.headers, case.cookies, case.body))
    for text in (response.text, repr(response.headers)):
        assert SECRET not in text or SECRET in brought
        assert TOKEN not in text or TOKEN in brought
        assert "Traceback" not in text


@schema.parametrize()
@examples(25)
def test_operation_when_data_is_generated_then_answers_are_as_documented(case: Any, watched: Watch) -> None:
    case.call_and_validate(headers=BEARER, checks=[*CHECKS.get_by_names(NAMES), only_503])
    assert watched.found == []


def test_control_when_the_reason_is_the_token_itself_then_its_echo_is_no_leak(watched: Watch) -> None:
    body = {"state": "active", "reason": TOKEN}
    case = schema["/api/v1/control"]["POST"].Case(body=body, media_type="application/json")
    answer = case.call_and_validate(headers=BEARER, checks=[*CHECKS.get_by_names(NAMES), only_503])
    assert answer.json() == body
    assert watched.found == []


def test_decide_when_models_debated_then_the_answer_is_as_documented(watched: Watch) -> None:
    case = schema["/api/v1/decide"]["POST"].Case(body={"symbol": "BTC/USDT"}, media_type="application/json")
    answer = case.call_and_validate(headers=BEARER, checks=[*CHECKS.get_by_names(NAMES), only_503])
    assert [turn["role"] for turn in answer.json()["debate"]["turns"]] == ["bull", "bear", "judge"]
    assert watched.found == []


@pytest.mark.parametrize("part", ["", "/report", "/result", "/logs"])
def test_job_when_it_is_there_then_the_answer_is_as_documented(watched: Watch, part: str) -> None:
    case = schema["/api/v1/backtests/{job_id}" + part]["GET"].Case(path_parameters={"job_id": ROWS[0]["id"]})
    answer = case.call_and_validate(headers=BEARER, checks=[*CHECKS.get_by_names(NAMES), only_503])
    assert answer.status_code == 200
    assert watched.found == []


def test_backtests_when_an_example_is_sent_then_it_is_taken(watched: Watch) -> None:
    for told in EXAMPLES.values():
        case = schema["/api/v1/backtests"]["POST"].Case(body=told["value"], media_type="application/json")
        answer = case.call_and_validate(headers=BEARER, checks=[*CHECKS.get_by_names(NAMES), only_503])
        assert (answer.status_code, answer.json()["kind"]) == (202, told["value"]["kind"])
    assert watched.found == []
