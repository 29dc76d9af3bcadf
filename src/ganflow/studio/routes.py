"""The studio's HTTP API: one function for each path."""

import asyncio
import base64
import io
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, HTTPException, Response
from fastapi import Path as PathParameter
from fastapi import Request as HttpRequest
from pydantic import BaseModel, Field

from ganflow.base.images import animate, image_grid, png
from ganflow.marks import MARKED, marked_png
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
from ganflow.studio.served import Models, Served

SLOW_AT_ONCE = 8
"""Animations and searches that are being made or wait; two are made at a time."""

MEDIA = {
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "npy": "application/octet-stream",
}


class Problem(BaseModel):
    """What was wrong with a request, in a sentence."""

    error: str


class ModelNames(BaseModel):
    models: list[str]


class ModelDescription(BaseModel):
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


class NearestImage(BaseModel):
    index: int
    distance: float
    image: str


class NearestImagesFound(BaseModel):
    neighbours: list[NearestImage]


@dataclass
class Studio:
    """What the requests to one studio share."""

    models: Models
    batcher: Batcher
    training: np.ndarray | None
    """uint8 (N, H, W, C), or None without training images."""
    slow: int = 0
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    @asynccontextmanager
    async def slow_work(self) -> AsyncIterator[None]:
        """Wait for one of two slots.

        Raises:
            OverloadedError: SLOW_AT_ONCE requests hold a slot or wait for one.
        """
        if self.slow >= SLOW_AT_ONCE:
            raise OverloadedError(2)
        self.slow += 1
        try:
            async with self.slots:
                yield
        finally:
            self.slow -= 1

    def training_of(self, served: Served) -> np.ndarray | None:
        """The training images, if they have the shape of the model's images."""
        if self.training is None or self.training.shape[1:] != served.generator.shape:
            return None
        return self.training

    async def sheet(
        self,
        served: Served,
        latents: np.ndarray,
        labels: np.ndarray | None,
        columns: int,
        request: Samples | Views | Plane,
    ) -> Response:
        """Make images and answer with them in rows, or as an array."""
        scale = _fitting(served, len(latents), request.scale)
        images = await self.batcher.images(served.forward, latents, labels)
        return await _encoded(served, images, request.format, min(columns, len(images)), scale)


async def _studio(request: HttpRequest) -> Studio:
    studio: Studio = request.app.state.studio
    return studio


OfStudio = Annotated[Studio, Depends(_studio)]


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


def models_router(names: Sequence[str]) -> APIRouter:
    """The paths that say which models there are; `names` become the page's examples."""
    router = APIRouter()
    named = PathParameter(openapi_examples={name: {"value": name} for name in names})

    @router.get("/models", responses=_problems(403, 503))
    async def list_models(studio: OfStudio) -> ModelNames:
        """The names of the models that can be asked."""
        return ModelNames(models=list(studio.models.names))

    @router.get("/models/{name:path}", responses=_problems(403, 404, 422, 503))
    async def describe_model(name: Annotated[str, named], studio: OfStudio) -> ModelDescription:
        """What a model makes."""
        served = await studio.models.get(name)
        return ModelDescription(
            name=served.name,
            latent=served.generator.latent,
            shape=list(served.generator.shape),
            classes=list(served.classes),
            directions=len(served.directions),
            neighbours=studio.training_of(served) is not None,
            most_images=MOST_IMAGES,
            most_steps=MOST_STEPS,
            most_pixels=MOST_PIXELS,
            hash=served.hash,
        )

    return router


images_router = APIRouter()


@images_router.post("/samples", response_class=Response, responses=_pictures("png", "npy"))
async def make_samples(request: Samples, studio: OfStudio) -> Response:
    """Random images of a seed: the same request gives the same images."""
    served = await studio.models.get(request.model)
    latents = draws(request.seed, request.count, served.generator.latent)
    latents *= np.float32(request.truncation)
    chosen = _classes(served, request.classes)
    labels = None if chosen is None else np.resize(chosen, request.count)
    return await studio.sheet(served, latents, labels, request.columns, request)


@images_router.post("/views", response_class=Response, responses=_pictures("png", "npy"))
async def view_point(request: Views, studio: OfStudio) -> Response:
    """One point of the latent space, in each of the classes."""
    served = await studio.models.get(request.model)
    labels = _classes(served, request.classes)
    count = 1 if labels is None else len(labels)
    latents = _latent(served, request.point)[None].repeat(count, 0)
    return await studio.sheet(served, latents, labels, request.columns, request)


@images_router.post("/planes", response_class=Response, responses=_pictures("png", "npy"))
async def view_plane(request: Plane, studio: OfStudio) -> Response:
    """A square of images: the plane that `across` and `down` move on."""
    served = await studio.models.get(request.model)
    label = _label(served, request.label)
    shares = np.linspace(0, 1, request.size).tolist()
    points = (
        request.point.model_copy(update={"across": across, "down": down})
        for down in shares
        for across in shares
    )
    latents = np.stack([_latent(served, point) for point in points])
    labels = None if label is None else label.repeat(len(latents))
    return await studio.sheet(served, latents, labels, request.size, request)


@images_router.post("/walks", response_class=Response, responses=_pictures("png", "gif", "webp"))
async def make_walk(request: Walk, studio: OfStudio) -> Response:
    """Even steps from one point to another: a strip as PNG, there and back as GIF or WebP."""
    served = await studio.models.get(request.model)
    chosen = _classes(served, request.classes, most=20)
    rows = 1 if chosen is None else len(chosen)
    scale = _fitting(served, request.steps * rows, request.scale)
    ends = _latent(served, request.start), _latent(served, request.end)
    path = slerp(*ends, np.linspace(0, 1, request.steps))
    labels = None if chosen is None else chosen.repeat(request.steps)
    async with studio.slow_work():
        images = await studio.batcher.images(served.forward, np.tile(path, (rows, 1)), labels)
        if request.format == "png":
            return await _encoded(served, images, "png", request.steps, scale)
        sheets = [
            image_grid(images[step :: request.steps], rows, scale, gap=0)
            for step in range(request.steps)
        ]
        there_and_back = sheets + sheets[-2:0:-1]
        content = await asyncio.to_thread(
            animate, there_and_back, request.format, request.milliseconds
        )
        if served.identity:
            content = MARKED[request.format](content, served.identity)
    return Response(content, media_type=MEDIA[request.format])


@images_router.post("/neighbours", responses=_problems(400, 403, 404, 413, 422, 503))
async def find_neighbours(request: NearestImages, studio: OfStudio) -> NearestImagesFound:
    """The training images most like what a point shows, by their pixels."""
    served = await studio.models.get(request.model)
    training = studio.training_of(served)
    if training is None:
        raise HTTPException(404, "the images this model was trained on are not here")
    label = _label(served, request.label)
    latents = _latent(served, request.point)[None]
    async with studio.slow_work():
        image = await studio.batcher.images(served.forward, latents, label)
        count = min(request.count, len(training))
        found = await asyncio.to_thread(nearest_by_pixels, image, training, count)
    return NearestImagesFound(
        neighbours=[
            NearestImage(
                index=int(index),
                distance=round(float(distance), 3),
                image=_data_address(training[index]),
            )
            for index, distance in zip(found.indices[0], found.distances[0], strict=True)
        ]
    )


def _latent(served: Served, point: Point) -> np.ndarray:
    """float32 (latent,)."""
    size = served.generator.latent
    corners = np.stack([drawn(corner.seed, corner.row, size) for corner in point.corners])
    latent = on_plane(corners, point.across, point.down) * np.float32(point.truncation)
    pushes = np.asarray(point.directions, np.float32)
    most = len(served.directions)
    if len(pushes) > most:
        raise HTTPException(
            404, f"point.directions: {len(pushes)} are too many: this model has {most}"
        )
    return np.asarray(latent + pushes @ served.directions[: len(pushes)], np.float32)


def _classes(served: Served, asked: Sequence[int] | None, most: int = 100) -> np.ndarray | None:
    """int64 class indices, or None where the generator has no classes."""
    count = served.generator.classes
    if asked is not None and not count:
        raise HTTPException(404, "classes: this model has none; leave them out")
    if not count:
        return None
    chosen = np.arange(min(count, most)) if asked is None else np.asarray(asked, np.int64)
    if chosen.max() >= count:
        raise HTTPException(404, f"classes: {chosen.max()} is not allowed: from 0 to {count - 1}")
    return chosen


def _label(served: Served, asked: int | None) -> np.ndarray | None:
    """int64 (1,), the first class if none is asked for; None without classes."""
    return _classes(served, None if asked is None else [asked], most=1)


def _fitting(served: Served, count: int, scale: int) -> int:
    """The largest scale up to `scale` at which `count` images have no more than MOST_PIXELS."""
    height, width, _ = served.generator.shape
    pixels = count * height * width
    if pixels > MOST_PIXELS:
        raise HTTPException(
            422,
            f"{pixels:,} pixels are too many: at most {MOST_PIXELS:,}; "
            "ask for fewer images, fewer steps or fewer classes",
        )
    return min(scale, math.isqrt(MOST_PIXELS // pixels))


async def _encoded(
    served: Served, images: np.ndarray, kind: str, columns: int, scale: int
) -> Response:
    if kind == "npy":
        stream = io.BytesIO()
        np.save(stream, images, allow_pickle=False)
        return Response(stream.getvalue(), media_type=MEDIA[kind])

    def draw() -> bytes:
        content = png(image_grid(images, columns, scale, gap=0), quick=True)
        return marked_png(content, served.identity) if served.identity else content

    small = images.size * scale**2 < 100_000  # a thread would take longer
    return Response(draw() if small else await asyncio.to_thread(draw), media_type=MEDIA[kind])


def _data_address(image: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(png(np.asarray(image), quick=True)).decode()
