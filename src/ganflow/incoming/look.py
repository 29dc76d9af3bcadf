"""One look at incoming images, in a process of its own: it may have to load TensorFlow.

    python -m ganflow.incoming.look FOLDER RESULT LEVEL_OF_DRIFT LEVEL_OF_CLASS_SHARES

in the project's folder; the result is a JSON file.
"""

import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from ganflow.base.errors import GanflowError
from ganflow.base.files import read_json, write_json
from ganflow.base.paths import EXTRACTOR, PREPARED
from ganflow.base.runtime import RuntimeParams, configure, quiet_start
from ganflow.base.store import CARD, open_store
from ganflow.config import params as parameters
from ganflow.incoming.arrivals import read_arrivals
from ganflow.incoming.drift import Describe, Drift, Levels, measure_drift


def not_measurable(project: Path) -> str:
    """Why nothing can be measured in this project yet; empty where it can."""
    for path in (PREPARED / CARD, EXTRACTOR / "card.json"):
        if not (project / path).is_file():
            return f"there is no {path.parent.as_posix()} (dvc pull, or dvc repro extractor)"
    if "stacked" in read_json(project / PREPARED / CARD):
        return "the prepared images are stacks of three (data.stacked)"
    return ""


def look(folder: Path, levels: Levels) -> Drift:
    """Measure the images below `folder` against the project in the current folder.

    Raises:
        GanflowError: the project's data, extractor and parameters do not belong together.
    """
    params, store = parameters.load(), open_store(PREPARED)

    def describe() -> Describe:
        return _extractor(params.runtime, store.card["sha256"])

    arrivals = read_arrivals(folder, params.data, store.card)
    return measure_drift(arrivals, store, levels, describe)


def read_result(path: Path) -> Drift:
    """What a look wrote."""
    return TypeAdapter(Drift).validate_json(path.read_bytes())


def _extractor(runtime: RuntimeParams, source: str) -> Describe:
    configure(runtime)
    with quiet_start():
        from ganflow.features.extractor import load_extractor
    extractor = load_extractor(EXTRACTOR, source)

    def describe(images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        found = extractor.describe(images)
        return found.features, found.logits.argmax(1) if extractor.classes else None

    return describe


def main(folder: str, result: str, drift: str, class_share: str) -> None:
    write_json(Path(result), asdict(look(Path(folder), Levels(float(drift), float(class_share)))))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except GanflowError as error:
        sys.exit(f"ganflow: {error}")
