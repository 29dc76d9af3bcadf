"""The studio's HTTP API and its page."""

import asyncio
import base64
import io
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Response
from fastapi import Path as PathParameter
from fastapi import Request as HttpRequest
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader, select_autoescape
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ganflow.base.errors import GanflowError
from ganflow.base.images import animate, enlarge, image_grid, png
from ganflow.base.store import open_store
from ganflow.metrics.copies import nearest_by_pixels
from ganflow.report.variation import slerp
from ganflow.studio.batching import Batcher, OverloadedError
from ganflow.studio.latents import drawn, draws, on_plane
from ganflow.studio.requests import (
    MOST_IMAGES,
    MOST_PIXELS,
    MOST_STEPS,
    NearestImages,
    Plane,
    Point,
    Samples,
    Views,
    Walk,
)
from ganflow.studio.served import Load, MissingModelError, Models, Served

SLOW_AT_ONCE = 8
"""Animations and searches that may be under way or wait; two are worked on at a time."""

MEDIA = {
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "npy": "application/octet-stream",
}
PAGES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/api": ("api.html", "text/html; charset=utf-8"),
    "/studio.css": ("studio.css", "text/css; charset=utf-8"),
    "/studio.js": ("studio.js", "text/javascript; charset=utf-8"),
    "/api.js": ("api.js", "text/javascript; charset=utf-8"),
}


class Problem(BaseModel):
    """What was wrong with a request, in a sentence."""

    error: str


class Names(BaseModel):
    models: list[str]


class Model(BaseModel):
    name: str
    latent: int
    shape: Annotated[list[int], Field(min_length=3, max_length=3)]
    classes: list[str]
    directions: int
    neighbours: bool
    most_images: int
    most_steps: int
    most_pixels: int
    hash: str


class Neighbour(BaseModel):
    index: int
    distance: float
    image: str


class Neighbours(BaseModel):
    neighbours: list[Neighbour]


class TooMuchError(Exception):
    """A request for more pixels than one answer may have."""


class NotThereError(Exception):
    """A request for a class or a direction that the model does not have."""


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    words = {
        400: "The body is not readable as JSON.",
        403: "Another host or another page asked.",
        404: "There is no such model, class or direction.",
        413: "The body is too long.",
        422: "A value is out of bounds.",
        503: "Overloaded (with Retry-After), or there is no model.",
    }
    return {status: {"model": Problem, "description": words[status]} for status in statuses}


def _pictures(*kinds: str) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA[kind]: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    ok = {"description": "The images.", "content": content}
    return {200: ok, **_problems(400, 403, 404, 413, 422, 503)}


def create_app(
    folders: Mapping[str, Path], load: Load, prepared: Path | None, backlog: int = 4000
) -> FastAPI:
    """Build the application; the models are loaded when it starts.

    Args:
        folders: where the models lie, by name.
        load: reads one.
        prepared: the store with the training images, or None.
        backlog: images that may wait to be made.
    """
    class_names, training = _training(prepared)
    batcher = Batcher(backlog=backlog)
    models = Models(folders, load, batcher, class_names)
    slow = _Slow(SLOW_AT_ONCE)
    named = PathParameter(openapi_examples={name: {"value": name} for name in folders})

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        batcher.start()
        for name in models.names:
            try:
                await models.get(name)
            except MissingModelError:
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
    app.state.batcher, app.state.models = batcher, models
    _add_errors(app)
    _add_pages(app, models)

    @app.get("/api/models", responses=_problems(403, 503))
    async def list_models() -> Names:
        """The names of the models that can be asked."""
        return Names(models=list(models.names))

    @app.get("/api/models/{name:path}", responses=_problems(403, 404, 422, 503))
    async def describe_model(name: Annotated[str, named]) -> Model:
        """What a model makes."""
        if name not in models.names:
            raise HTTPException(404, f"there is no model called {name[:80]!r}")
        served = await models.get(name)
        height, width, channels = _shape(served)
        hashes = served.card.get("sha256")
        return Model(
            name=served.name,
            latent=served.generator.latent,
            shape=[height, width, channels],
            classes=list(served.classes),
            directions=len(served.directions),
            neighbours=training is not None and training.shape[1:] == _shape(served),
            most_images=MOST_IMAGES,
            most_steps=MOST_STEPS,
            most_pixels=MOST_PIXELS,
            hash=str(hashes.get("generator", "")) if isinstance(hashes, Mapping) else "",
        )

    @app.post("/api/samples", response_class=Response, responses=_pictures("png", "npy"))
    async def make_samples(request: Samples) -> Response:
        """Random images of a seed: the same request gives the same images."""
        served = await models.get(request.model)
        scale = _fitting(served, request.count, request.scale)
        latents = draws(request.seed, request.count, served.generator.latent)
        latents *= np.float32(request.truncation)
        chosen = _classes(served, request.classes)
        labels = None if chosen is None else np.resize(chosen, request.count)
        images = await batcher.images(served.forward, latents, labels)
        columns = min(request.columns, request.count)
        return await _encoded(images, request.format, columns, scale)

    @app.post("/api/views", response_class=Response, responses=_pictures("png", "npy"))
    async def view_point(request: Views) -> Response:
        """One point of the latent space, in each of the classes."""
        served = await models.get(request.model)
        chosen = _classes(served, request.classes)
        count = 1 if chosen is None else len(chosen)
        scale = _fitting(served, count, request.scale)
        latents = _latent(served, request.point)[None].repeat(count, 0)
        images = await batcher.images(served.forward, latents, chosen)
        columns = min(request.columns, count)
        return await _encoded(images, request.format, columns, scale)

    @app.post("/api/planes", response_class=Response, responses=_pictures("png", "npy"))
    async def view_plane(request: Plane) -> Response:
        """A square of images: the plane that `across` and `down` move on."""
        served = await models.get(request.model)
        scale = _fitting(served, request.size**2, request.scale)
        chosen = _classes(served, None if request.label is None else [request.label], most=1)
        shares = np.linspace(0, 1, request.size).tolist()
        points = (
            request.point.model_copy(update={"across": across, "down": down})
            for down in shares
            for across in shares
        )
        latents = np.stack([_latent(served, point) for point in points])
        labels = None if chosen is None else chosen.repeat(len(latents))
        images = await batcher.images(served.forward, latents, labels)
        return await _encoded(images, request.format, request.size, scale)

    @app.post("/api/walks", response_class=Response, responses=_pictures("png", "gif", "webp"))
    async def make_walk(request: Walk) -> Response:
        """Even steps from one point to another: a strip as PNG, there and back as GIF or WebP."""
        served = await models.get(request.model)
        chosen = _classes(served, request.classes, most=20)
        rows = 1 if chosen is None else len(chosen)
        scale = _fitting(served, request.steps * rows, request.scale)
        ends = _latent(served, request.start), _latent(served, request.end)
        path = slerp(*ends, np.linspace(0, 1, request.steps))
        labels = None if chosen is None else chosen.repeat(request.steps)
        async with slow:
            images = await batcher.images(served.forward, np.tile(path, (rows, 1)), labels)
            if request.format == "png":
                return await _encoded(images, "png", request.steps, scale)
            sheets = [
                image_grid(images[step :: request.steps], rows, scale, gap=0)
                for step in range(request.steps)
            ]
            there_and_back = sheets + sheets[-2:0:-1]
            content = await asyncio.to_thread(
                animate, there_and_back, request.format, request.milliseconds
            )
        return Response(content, media_type=MEDIA[request.format])

    @app.post("/api/neighbours", responses=_problems(400, 403, 404, 413, 422, 503))
    async def find_neighbours(request: NearestImages) -> Neighbours:
        """The training images most like what a point shows, by their pixels."""
        served = await models.get(request.model)
        if training is None or training.shape[1:] != _shape(served):
            raise HTTPException(404, "the images this model was trained on are not here")
        chosen = _classes(served, None if request.label is None else [request.label])
        latents = _latent(served, request.point)[None]
        async with slow:
            image = await batcher.images(
                served.forward, latents, None if chosen is None else chosen[:1]
            )
            found = await asyncio.to_thread(
                nearest_by_pixels, image, training, min(request.count, len(training))
            )
        return Neighbours(
            neighbours=[
                Neighbour(
                    index=int(index),
                    distance=round(float(distance), 3),
                    image=_data(training[index]),
                )
                for index, distance in zip(found.indices[0], found.distances[0], strict=True)
            ]
        )

    return app


class _Slow:
    """Lets a few pieces of slow work wait for two places, and turns the others away."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0
        self.places = asyncio.Semaphore(2)

    async def __aenter__(self) -> None:
        if self.held >= self.most:
            raise OverloadedError(2)
        self.held += 1
        try:
            await self.places.acquire()
        except BaseException:
            self.held -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self.held -= 1
        self.places.release()


def _training(prepared: Path | None) -> tuple[tuple[str, ...], np.ndarray | None]:
    """Class names and training images; the studio works without them."""
    if prepared is None:
        return (), None
    try:
        store = open_store(prepared)
        return store.classes, store.split("train").images
    except GanflowError:
        return (), None


def _shape(served: Served) -> tuple[int, int, int]:
    height, width, channels = served.generator.shape
    return height, width, channels


def _latent(served: Served, point: Point) -> np.ndarray:
    """float32 (latent,)."""
    size = served.generator.latent
    corners = np.stack([drawn(corner.seed, corner.row, size) for corner in point.corners])
    latent = on_plane(corners, point.across, point.down) * np.float32(point.truncation)
    pushes = np.asarray(point.directions, np.float32)
    if len(pushes) > len(served.directions):
        raise NotThereError(
            f"point.directions: {len(pushes)} are too many: this model has {len(served.directions)}"
        )
    return np.asarray(latent + pushes @ served.directions[: len(pushes)], np.float32)


def _classes(served: Served, asked: Sequence[int] | None, most: int = 100) -> np.ndarray | None:
    """int64 class indices, or None where the generator has no classes."""
    count = served.generator.classes
    if asked is not None and not count:
        raise NotThereError("classes: this model has none; leave them out")
    if not count:
        return None
    chosen = np.arange(min(count, most)) if asked is None else np.asarray(asked, np.int64)
    if chosen.max() >= count:
        raise NotThereError(f"classes: {chosen.max()} is not allowed: from 0 to {count - 1}")
    return chosen


def _fitting(served: Served, count: int, scale: int) -> int:
    """The largest scale up to `scale` at which `count` images have no more than MOST_PIXELS."""
    height, width, _ = _shape(served)
    pixels = count * height * width
    if pixels > MOST_PIXELS:
        raise TooMuchError(
            f"{pixels:,} pixels are too many: at most {MOST_PIXELS:,}; "
            "ask for fewer images, fewer steps or fewer classes"
        )
    return min(scale, math.isqrt(MOST_PIXELS // pixels))


async def _encoded(images: np.ndarray, kind: str, columns: int, scale: int) -> Response:
    if kind == "npy":
        stream = io.BytesIO()
        np.save(stream, images, allow_pickle=False)
        return Response(stream.getvalue(), media_type=MEDIA[kind])

    def draw() -> bytes:
        sheet = (
            enlarge(images[0], scale)
            if len(images) == 1
            else image_grid(images, columns, scale, gap=0)
        )
        return png(sheet, quick=True)

    if images.size * scale**2 < 100_000:
        return Response(draw(), media_type=MEDIA[kind])
    return Response(await asyncio.to_thread(draw), media_type=MEDIA[kind])


def _data(image: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(png(np.asarray(image), quick=True)).decode()


def _add_errors(app: FastAPI) -> None:
    def problem(status: int, sentence: str, **headers: str) -> JSONResponse:
        return JSONResponse({"error": sentence}, status, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: HttpRequest, error: RequestValidationError) -> JSONResponse:
        sentences = []
        for found in error.errors()[:10]:
            key = ".".join(str(part) for part in found["loc"] if part != "body") or "the body"
            message = found["msg"]
            sentences.append(f"{key}: {message[0].lower()}{message[1:]}")
        return problem(422, "; ".join(sentences))

    @app.exception_handler(TooMuchError)
    async def refused(_: HttpRequest, error: TooMuchError) -> JSONResponse:
        return problem(422, str(error))

    @app.exception_handler(NotThereError)
    async def not_there(_: HttpRequest, error: NotThereError) -> JSONResponse:
        return problem(404, str(error))

    @app.exception_handler(OverloadedError)
    async def overloaded(_: HttpRequest, error: OverloadedError) -> JSONResponse:
        sentence = f"more is asked for than can be made; try again in {error.seconds} s"
        return problem(503, sentence, **{"Retry-After": str(error.seconds)})

    @app.exception_handler(MissingModelError)
    async def missing(_: HttpRequest, error: MissingModelError) -> JSONResponse:
        if error.where is None:
            return problem(404, f"model: {error.what}")
        return problem(503, str(error))

    @app.exception_handler(HTTPException)
    async def other(_: HttpRequest, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)


def _add_pages(app: FastAPI, models: Models) -> None:
    folder = resources.files("ganflow.studio").joinpath("pages")
    content = {path: folder.joinpath(name).read_bytes() for path, (name, _) in PAGES.items()}
    environment = Environment(
        loader=PackageLoader("ganflow.studio", "pages"), autoescape=select_autoescape(default=True)
    )

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        try:
            await models.get()
        except MissingModelError as error:
            shown = environment.get_template("missing.html").render(error=error)
            return HTMLResponse(shown, 503)
        return Response(content["/"], media_type=PAGES["/"][1])

    def add(path: str) -> None:
        async def file() -> Response:
            return Response(content[path], media_type=PAGES[path][1])

        app.get(path, include_in_schema=False)(file)

    for path in PAGES:
        if path != "/":
            add(path)
