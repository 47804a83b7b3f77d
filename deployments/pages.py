"""The dashboard and its files, and a page for the API: all from this host, under a strict content policy."""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).parent / "static"
CHARTS = Path(str(files("litecharts"))) / "js" / "lightweight-charts.js"
_REVALIDATE = {"Cache-Control": "no-cache"}


class _Files(StaticFiles):
    def file_response(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(_REVALIDATE)
        return response


def serve_pages(app: FastAPI) -> None:
    """Add `/`, `/docs` and `/static` to `app`."""

    async def dashboard() -> FileResponse:
        return FileResponse(HERE / "index.html", headers=_REVALIDATE)

    async def docs() -> FileResponse:
        return FileResponse(HERE / "docs.html", headers=_REVALIDATE)

    async def charts() -> FileResponse:
        return FileResponse(CHARTS, media_type="text/javascript", headers=_REVALIDATE)

    for path, page in (("/", dashboard), ("/docs", docs), ("/static/lightweight-charts.js", charts)):
        app.add_api_route(path, page, methods=["GET"], include_in_schema=False)
    app.mount("/static", _Files(directory=HERE), name="static")
