"""One HTML file that makes a generator's pictures in a browser, without a network.

The layers are in templates/engine.js, the weights in the file, as float16.
"""

import base64
import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

import ganflow
from ganflow.base.errors import DataError
from ganflow.base.files import write_bytes
from ganflow.export.operations import operations_of
from ganflow.gan.saved import SavedGenerator
from ganflow.marks import blank, sealed

PAGE = resources.files("ganflow.export").joinpath("templates")


def write_page(generator: SavedGenerator, title: str, identity: str, path: Path) -> None:
    """Write the page.

    Args:
        identity: of the model, as `ganflow.marks.identity` gives it.

    Raises:
        GanflowError: the generator has a layer that the page cannot run.
        DataError: a weight is too large for float16.
    """
    operations, weights = _packed(generator)
    height, width, channels = generator.shape
    names = generator.card.get("class_names") or [str(i) for i in range(generator.classes)]
    model = {
        "shape": [height, width, channels],
        "latent": generator.latent,
        "classes": names,
        "operations": operations,
    }
    environment = Environment(
        loader=PackageLoader("ganflow.export", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("page.html").render(
        title=title,
        width=width,
        height=height,
        classes=names,
        card=identity.split()[0],
        mark=blank(identity),
        version=ganflow.__version__,
        # A name of a class may hold what ends a script.
        model=Markup(json.dumps(model).replace("<", "\\u003c")),
        weights=Markup(base64.b64encode(weights).decode()),
        style=_file("page.css"),
        engine=_file("engine.js"),
        script=_file("page.js"),
    )
    write_bytes(path, sealed(text.encode()))


def _file(name: str) -> Markup:
    return Markup(PAGE.joinpath(name).read_text())


def _packed(generator: SavedGenerator) -> tuple[list[dict[str, Any]], bytes]:
    """The operations as JSON values, and their weights as little-endian float16 in a row."""
    listed, parts, start = [], [], 0
    for operation in operations_of(generator.model):
        places = {}
        for name, weight in operation.weights.items():
            with np.errstate(over="ignore"):
                half = weight.astype("<f2")
            if not np.isfinite(half).all():
                raise DataError(
                    f"a weight of {np.abs(weight).max():.3g} is too large for float16",
                    where=f"{name} of {operation.output}",
                    expected=f"up to {np.finfo(np.float16).max:.0f}",
                    run="ganflow export onnx FILE.onnx, which keeps float32",
                )
            places[name] = {"shape": list(weight.shape), "start": start}
            start += weight.size
            parts.append(half.tobytes())
        listed.append(
            {
                "kind": operation.kind,
                "output": operation.output,
                "inputs": operation.inputs,
                "options": operation.options,
                "weights": places,
            }
        )
    return listed, b"".join(parts)


def in_half_precision(
    generator: SavedGenerator, latents: np.ndarray, labels: np.ndarray | None
) -> np.ndarray:
    """The generator's pixels with weights rounded to float16, as `SavedGenerator.images`."""
    kept = [(weight, weight.numpy()) for weight in generator.model.weights]
    try:
        for weight, values in kept:
            weight.assign(values.astype(np.float16))
        return generator.images(latents, labels)
    finally:
        for weight, values in kept:
            weight.assign(values)
