"""A folder as model hubs expect it: the model, `config.json`, a picture, and a model card.

Every sentence of the card is from the model's own card, or from the evaluation and the parameters
of the commit whose dvc.lock names this model.
"""

import shutil
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

import ganflow
from ganflow.base.files import write_bytes, write_json, write_text
from ganflow.base.images import image_grid, png
from ganflow.base.paths import MODEL, MODEL_FILES
from ganflow.base.recorded import hash_in
from ganflow.export.origin import Origin
from ganflow.gan.sampling import sample
from ganflow.marks import marked_png
from ganflow.report.summary import doubts, number_at, summarise
from ganflow.versions.gate import Measured
from ganflow.versions.reading import file_at, measured_at, parameters_at

UNKNOWN = "unknown"
TASK = "unconditional-image-generation"
COLUMNS, ROWS = 10, 6
SIDE = 56
"""Pixels that small images are enlarged to, about."""


def write_folder(origin: Origin, target: Path) -> Path:
    """Write the folder, which `ganflow.load` reads."""
    target.mkdir()
    for name in MODEL_FILES:
        shutil.copyfile(origin.model / name, target / name)
    card = origin.generator.card
    names = card.get("class_names", [])
    config = {**card["design"], "library": "ganflow", "class_names": names}
    write_json(target / "config.json", config)
    write_bytes(target / "samples.png", _picture(origin))
    write_text(target / "README.md", card_of(origin, target.name))
    return target


def card_of(origin: Origin, name: str) -> str:
    """The model card: Markdown with YAML at its head.

    Args:
        name: of the model.
    """
    project = Path.cwd()
    lock = yaml.safe_load(file_at(Path("dvc.lock"), origin.commit, project) or b"{}")
    own = (hash_in(lock, MODEL) or "").removesuffix(".dir") == origin.identity.split()[1]
    parameters = parameters_at(origin.commit, project) if own else {}
    found = measured_at(origin.commit, project) if own else Measured({}, {})
    metrics, detail = found.metrics, found.detail
    card, generator = origin.generator.card, origin.generator
    height, width, channels = generator.shape
    source = str(parameters.get("data.source", UNKNOWN))
    told = {key: card[key] for key in ("seed", "precision", "train", "snapshot") if key in card}
    environment = Environment(
        loader=PackageLoader("ganflow.export", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("card.md").render(
        head=_yaml(_head(name, source, origin.licence, metrics)),
        name=name,
        source=source,
        licence=origin.licence,
        kind=f"{'grey' if channels == 1 else 'colour'} images of {width} × {height} pixels",
        classes=card.get("class_names", []),
        architecture=generator.card["design"]["architecture"],
        weights=card.get("parameters", {}),
        summary=summarise(metrics, detail),
        measured=bool(metrics),
        doubts=doubts(detail),
        told=_yaml(told),
        chosen=card.get("chosen", {}),
        libraries=card.get("versions", {}),
        version=ganflow.__version__,
        sha256=origin.identity.split()[0],
        commit=origin.commit,
    )


def _head(name: str, source: str, licence: str, metrics: Any) -> dict[str, Any]:
    """The card's YAML, with the Fréchet distance as a result where it was measured."""
    head: dict[str, Any] = {
        "license": licence,
        "library_name": "ganflow",
        "pipeline_tag": TASK,
        "tags": ["gan", "image-generation", "keras"],
    }
    distance = number_at(metrics, "fd.value")
    if distance is not None:
        evaluator = metrics.get("evaluator", "")
        metric = {
            "type": "frechet-distance",
            "name": f"Fréchet distance under ganflow's evaluator {evaluator}",
            "value": distance,
        }
        result = {
            "task": {"type": TASK},
            "dataset": {"type": source, "name": source},
            "metrics": [metric],
        }
        head["model-index"] = [{"name": name, "results": [result]}]
    return head


def _yaml(value: Any) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True)).rstrip()


def _picture(origin: Origin) -> bytes:
    images, _ = sample(origin.generator, COLUMNS * ROWS, seed=0, truncation=1.0)
    scale = max(1, SIDE // max(images.shape[1:3]))
    return marked_png(png(image_grid(images, COLUMNS, scale)), origin.identity)
