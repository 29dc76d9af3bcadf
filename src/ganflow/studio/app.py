"""The studio as one FastAPI application: its API, its pages and its error messages."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

import numpy as np
from fastapi import FastAPI, Response
from fastapi import Request as HttpRequest
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.exceptions import HTTPException

from ganflow.base.errors import GanflowError
from ganflow.base.store import open_store
from ganflow.studio.batching import Batcher
from ganflow.studio.live import live_router
from ganflow.studio.routes import Studio, images_router, models_router
from ganflow.studio.served import Load, Models

PAGES = {
    "/": ("index.html", "text/html"),
    "/api": ("api.html", "text/html"),
    "/live": ("live.html", "text/html"),
    "/studio.css": ("studio.css", "text/css"),
    "/studio.js": ("studio.js", "text/javascript"),
    "/api.js": ("api.js", "text/javascript"),
    "/live.js": ("live.js", "text/javascript"),
}


def create_app(
    folders: Mapping[str, Path],
    load: Load,
    prepared: Path | None,
    live: Path,
    ending: Callable[[], bool] = lambda: False,
    backlog: int = 4000,
) -> FastAPI:
    """Build the application. The models are loaded when it starts.

    Args:
        folders: where the models are, by name.
        load: reads one.
        prepared: the store with the training images, or None.
        live: the folder with what trainings have written while they ran.
        ending: whether the server is being ended.
        backlog: how many images may wait to be made.
    """
    batcher = Batcher(backlog=backlog)
    models = Models(folders, load, batcher)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for name in models.names:
            try:
                await models.get(name)
            except GanflowError:
                continue  # the page says so
        yield
        await batcher.stop()

    app = FastAPI(
        title="ganflow studio",
        description="Images from a trained generator.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.studio = Studio(models, batcher, _training_images(prepared))
    _add_errors(app)
    _add_pages(app, models)
    app.include_router(models_router(models.names), prefix="/api")
    app.include_router(images_router, prefix="/api")
    app.include_router(live_router(live, ending))
    return app


def _training_images(prepared: Path | None) -> np.ndarray | None:
    """The training images; the studio works without them."""
    if prepared is None:
        return None
    try:
        return open_store(prepared).split("train").images
    except GanflowError:
        return None


def _add_errors(app: FastAPI) -> None:
    """Answer every error with one sentence, as JSON."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: HttpRequest, error: RequestValidationError) -> JSONResponse:
        sentences = []
        for found in error.errors()[:10]:
            key = ".".join(str(part) for part in found["loc"] if part != "body") or "the body"
            message = found["msg"]
            sentences.append(f"{key}: {message[0].lower()}{message[1:]}")
        return JSONResponse({"error": "; ".join(sentences)}, 422)

    @app.exception_handler(GanflowError)
    async def missing(_: HttpRequest, error: GanflowError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 503)

    @app.exception_handler(HTTPException)
    async def refused(_: HttpRequest, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def _add_pages(app: FastAPI, models: Models) -> None:
    """Serve the files of PAGES; without a model, the first page says what is missing."""
    folder = resources.files("ganflow.studio").joinpath("pages")
    environment = Environment(
        loader=PackageLoader("ganflow.studio", "pages"), autoescape=select_autoescape(default=True)
    )

    def add(path: str, content: bytes, media_type: str) -> None:
        @app.get(path, include_in_schema=False)
        async def file() -> Response:
            if path == "/":
                try:
                    await models.get()
                except GanflowError as error:
                    page = environment.get_template("missing.html")
                    return HTMLResponse(page.render(error=error), 503)
            return Response(content, media_type=media_type)

    for path, (name, media_type) in PAGES.items():
        add(path, folder.joinpath(name).read_bytes(), media_type)
