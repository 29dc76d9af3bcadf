"""The models that the studio serves, loaded when their files appear and again when they change."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from starlette.exceptions import HTTPException

from ganflow.base.errors import DataError
from ganflow.base.files import read_json
from ganflow.marks import identity
from ganflow.report.sources import ImageGenerator
from ganflow.studio.batching import Batcher, Forward
from ganflow.studio.latents import principal_directions

Load = Callable[[Path], ImageGenerator]
"""`ganflow.gan.saved.load_generator`, or what stands in for it."""


@dataclass(frozen=True)
class Served:
    """A model that is ready."""

    name: str
    generator: ImageGenerator
    forward: Forward
    directions: np.ndarray
    """float32 (K, latent), unit rows."""
    classes: tuple[str, ...]
    """Names of the generator's classes; empty where it is unconditional."""
    hash: str
    """SHA-256 of the generator's weights."""
    identity: str
    """For `ganflow provenance`; empty where the model has no card."""


@dataclass
class _Place:
    folder: Path
    stamp: tuple[tuple[int, int], ...] = ()
    ready: Served | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Models:
    """Models by name.

    A model whose folder vanishes (because a stage is writing it) is served from memory. One
    that is damaged is not served; the error says what is wrong.
    """

    def __init__(self, folders: Mapping[str, Path], load: Load, batcher: Batcher) -> None:
        self._places = {name: _Place(folder) for name, folder in folders.items()}
        self._load, self._batcher = load, batcher

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._places)

    async def get(self, name: str | None = None) -> Served:
        """The model called `name`, or the first one.

        Raises:
            HTTPException: 404, no model has this name.
            GanflowError: the model is not there, or damaged.
        """
        chosen = self.names[0] if name is None else name
        place = self._places.get(chosen)
        if place is None:
            raise HTTPException(404, f"there is no model called {chosen[:80]!r}")
        async with place.lock:
            stamp = _stamp(place.folder)
            if place.ready is None or (stamp and stamp != place.stamp):
                place.stamp, place.ready = stamp, None
                place.ready = await asyncio.get_running_loop().run_in_executor(
                    self._batcher.thread, self._read, chosen, place.folder
                )
            return place.ready

    def _read(self, name: str, folder: Path) -> Served:
        try:
            generator = self._load(folder)
            forward = _forward(generator)
            file = folder / "card.json"
            card = read_json(file) if file.is_file() else {}
            names = card.get("class_names", ())
            if len(names) != generator.classes:
                names = map(str, range(generator.classes))
            return Served(
                name,
                generator,
                forward,
                principal_directions(forward, generator.latent, generator.classes),
                tuple(names),
                card.get("sha256", {}).get("generator", ""),
                identity(folder) if card else "",
            )
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise DataError(
                f"the model cannot be read: {type(error).__name__}: {error}",
                where=str(folder),
                expected="a folder as the train stage writes it",
                run="dvc checkout data/model, or dvc repro",
            ) from error


def _forward(generator: ImageGenerator) -> Forward:
    """Passes of several fixed sizes, so that one image does not cost a whole batch."""
    model = getattr(generator, "model", None)
    if model is None:
        return generator.images
    from ganflow.studio.passes import fixed_sizes

    return fixed_sizes(model, generator.classes, generator.latent)


def _stamp(folder: Path) -> tuple[tuple[int, int], ...]:
    """Changes when a file of the model does; empty when one is missing."""
    try:
        found = [(folder / name).stat() for name in ("card.json", "generator.safetensors")]
    except OSError:
        return ()
    return tuple((status.st_mtime_ns, status.st_size) for status in found)
