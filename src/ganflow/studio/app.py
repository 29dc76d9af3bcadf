"""The studio as one FastAPI application: its API, its pages and its error messages."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from fastapi import FastAPI, Response
from fastapi import Request as HttpRequest
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from ganflow.base.errors import GanflowError
from ganflow.base.store import open_store
from ganflow.studio.batching import Batcher
from ganflow.studio.routes import Studio, images_router, models_router
from ganflow.studio.served import Load, Models

PAGES = Path(__file__).with_name("pages")


def create_app(
    folders: Mapping[str, Path], load: Load, prepared: Path | None, backlog: int = 4000
) -> FastAPI:
    """Build the application. The models are loaded when it starts.

    Args:
        folders: where the models are, by name.
        load: reads one.
        prepared: the store with the training images, or None.
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
    app.include_router(models_router(models.names), prefix="/api")
    app.include_router(images_router, prefix="/api")
    _add_pages(app, models)  # the last, as it answers to every other path
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
    """Serve the files of the pages; without a model, the first page says what is missing."""
    missing = Environment(autoescape=True).from_string((PAGES / "missing.html").read_text())

    @app.get("/", include_in_schema=False)
    async def first_page() -> Response:
        try:
            await models.get()
        except GanflowError as error:
            return HTMLResponse(missing.render(error=error), 503)
        return FileResponse(PAGES / "index.html")

    @app.get("/api", include_in_schema=False)
    async def api_page() -> Response:
        return FileResponse(PAGES / "api.html")

    app.mount("/", StaticFiles(directory=PAGES))
