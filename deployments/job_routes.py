"""`/api/v1/backtests`: backtests, optimisations and sweeps as jobs, beside the desk and at low priority.

A request's body is read only once its token is known to be right, and no further than it may be long.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic.json_schema import models_json_schema

from deployments import job_shapes
from deployments.answers import ApiError, documented, json_answer
from deployments.ports import Jobs
from fks_actors.backtest.jobs.spec import JobSpec
from fks_actors.errors import JobRefused

JobId = Annotated[str, Path(max_length=64)]
_MIB = 2**20
_ROOM_BYTES = 2 * _MIB
_TAIL_BYTES = 64 * 1024
_STATUS = {"invalid_json": 400, "forbidden_code": 403, "too_large": 413, "queue_full": 429}
_TOLD = documented(_404="there is no such job", _429="as many jobs wait as may")
_PAGE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""A report runs its own scripts, which its own policy names by their hashes; in a sandbox, so that nothing in it could
reach the dashboard's token."""
_PAGE = {"Content-Security-Policy": _PAGE_POLICY, "Content-Disposition": 'inline; filename="report.html"'}
_HTML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "The page."}
}
_DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {}}}, "description": "The document."}
}


class NoJobs:
    """A desk that keeps no jobs (ports.Jobs)."""

    async def submit(self, content: bytes) -> dict[str, Any]:
        """None are taken."""
        raise _no_jobs()

    async def jobs(self, cursor: str, limit: int) -> tuple[list[dict[str, Any]], str]:
        """There are none."""
        return [], ""

    async def job(self, job_id: str) -> dict[str, Any] | None:
        """There is none."""
        return None

    cancel = job

    async def file(self, job_id: str, name: str) -> bytes | None:
        """There is none."""
        return None

    async def logs(self, job_id: str, most: int) -> tuple[str, int] | None:
        """There are none."""
        return None


def add_job_routes(routes: APIRouter, jobs: Jobs, upload_mb: int) -> None:
    """Submit, list, watch, read, cancel."""
    most = upload_mb * _MIB * 4 // 3 + _ROOM_BYTES

    @routes.post(
        "/backtests",
        response_model=job_shapes.JobShape,
        status_code=202,
        tags=["jobs"],
        responses={
            **_TOLD,
            **documented(
                _400="the body is not JSON",
                _403="this desk takes no strategy's source",
                _413="the body is too large",
            ),
        },
        openapi_extra=_body(),
    )
    async def submit(request: Request) -> Response:
        """Queue a job; `Location` is where it is told of. Repeating a request with the same `id` submits nothing more.

        A strategy's source that a request brings runs as the user of the desk.
        """
        content = await _read(request, most)
        try:
            job = await jobs.submit(content)
        except JobRefused as error:
            raise ApiError(_STATUS.get(error.code, 422), error.code, error.message, error.field) from None
        return json_answer(job, 202, {"Location": f"/api/v1/backtests/{job['id']}"})

    @routes.get("/backtests", response_model=job_shapes.JobPage, tags=["jobs"])
    async def listed(
        cursor: Annotated[str, Query(max_length=64)] = "", limit: Annotated[int, Query(ge=1, le=500)] = 50
    ) -> Response:
        """Jobs, newest first."""
        rows, after = await jobs.jobs(cursor, limit)
        return json_answer({"items": rows, "next_cursor": after})

    @routes.get("/backtests/{job_id}", response_model=job_shapes.JobShape, tags=["jobs"], responses=_TOLD)
    async def job(job_id: JobId) -> Response:
        """One job: how far it is, or what came of it."""
        return json_answer(_there(await jobs.job(job_id)))

    @routes.delete("/backtests/{job_id}", response_model=job_shapes.JobShape, tags=["jobs"], responses=_TOLD)
    async def cancel(job_id: JobId) -> Response:
        """End a job; one that has ended stays as it is."""
        return json_answer(_there(await jobs.cancel(job_id)))

    _add_files(routes, jobs)


def _add_files(routes: APIRouter, jobs: Jobs) -> None:
    @routes.get("/backtests/{job_id}/report", tags=["jobs"], responses={**_HTML, **_TOLD}, response_class=Response)
    async def report(job_id: JobId) -> Response:
        """The page of a backtest that is done. It runs its own scripts, in a sandbox."""
        return Response(_there(await jobs.file(job_id, "report")), 200, _PAGE, "text/html; charset=utf-8")

    @routes.get("/backtests/{job_id}/result", tags=["jobs"], responses={**_DOCUMENT, **_TOLD}, response_class=Response)
    async def result(job_id: JobId) -> Response:
        """What the command prints with `--json`, of a job that is done."""
        return Response(_there(await jobs.file(job_id, "result")), 200, None, "application/json")

    @routes.get("/backtests/{job_id}/logs", response_model=job_shapes.JobLogs, tags=["jobs"], responses=_TOLD)
    async def logs(job_id: JobId, tail: Annotated[int, Query(ge=1, le=256 * 1024)] = _TAIL_BYTES) -> Response:
        """The last `tail` bytes of what a job printed, without secrets."""
        text, size = _there(await jobs.logs(job_id, tail))
        return json_answer({"id": job_id, "text": text, "bytes": size, "cut": size > tail})


async def _read(request: Request, most: int) -> bytes:
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told[:20]) > most:
        raise _too_large(most)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise _too_large(most)
    return bytes(content)


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too_large", f"a request holds at most {most // _MIB} MiB; jobs.upload_mb bounds it")


def _no_jobs() -> ApiError:
    return ApiError(503, "unavailable", "this desk keeps no jobs")


def _there(found: Any) -> Any:
    if found is None:
        raise ApiError(404, "not_found", "there is no such job, or it has none yet")
    return found


def _body() -> dict[str, Any]:
    """The request's body for OpenAPI; it is read by hand."""
    _, schema = models_json_schema([(JobSpec, "validation")], ref_template="#/x/{model}")
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _inlined(schema["$defs"]["JobSpec"], schema["$defs"]),
                                             "examples": job_shapes.EXAMPLES}},
        }
    }  # fmt: skip


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    """A schema without references: the framework collects none from a body that is read by hand."""
    if isinstance(schema, list):
        return [_inlined(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].rpartition("/")[2]], parts)
    return {name: _inlined(each, parts) for name, each in schema.items()}
