"""Write the report: one self-contained page on everything the pipeline made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganflow.base.files import read_array, read_json, whole_folder, write_text
from ganflow.base.paths import EVALUATION, EXTRACTOR, MODEL, PREPARED, REPORT, SAMPLES, TRAINING
from ganflow.base.runtime import Runtime, configure
from ganflow.base.store import Split, open_store
from ganflow.config.data import Data
from ganflow.config.evaluation import Evaluation
from ganflow.config.extractor import Extractor
from ganflow.config.model import Model
from ganflow.config.report import Report
from ganflow.config.sample import Sample
from ganflow.config.train import Train
from ganflow.features.extractor import load_extractor
from ganflow.gan.saved import load_generator
from ganflow.report.assemble import Results, assemble
from ganflow.report.growth import write_animation
from ganflow.report.page import render
from ganflow.report.provenance import provenance

FOLDERS = (PREPARED, EXTRACTOR, MODEL, TRAINING, SAMPLES, EVALUATION)


def run(
    seed: int,
    runtime: Runtime,
    data: Data,
    extractor: Extractor,
    model: Model,
    train: Train,
    sample: Sample,
    evaluation: Evaluation,
    report: Report,
) -> None:
    configure(runtime)
    labels = SAMPLES / "labels.npy"
    samples = Split(read_array(SAMPLES / "images.npy"), _optional(labels, read_array))
    results = Results(
        open_store(PREPARED),
        samples,
        read_json(EVALUATION / "metrics.json"),
        _optional(EVALUATION / "detail.json", read_json) or {},
        TRAINING,
        load_generator(MODEL),
        load_extractor(EXTRACTOR),
    )
    parameters = {
        "seed": {"seed": seed},
        "runtime": runtime.model_dump(),
        "data": data.model_dump(),
        "extractor": extractor.model_dump(),
        "model": model.model_dump(),
        "train": train.model_dump(),
        "sample": sample.model_dump(),
        "evaluation": evaluation.model_dump(),
        "report": report.model_dump(),
    }
    cards = {
        "Model card": _optional(MODEL / "card.json", read_json) or {},
        "Extractor card": _optional(EXTRACTOR / "card.json", read_json) or {},
    }

    page = assemble(
        results, seed, sample.truncation, report, provenance(parameters, cards, FOLDERS)
    )

    with whole_folder(REPORT) as folder:
        write_text(folder / "index.html", render(page))
        write_animation(TRAINING, folder / "growth.webp")


def _optional(path: Path, read: Callable[[Path], Any]) -> Any:
    return read(path) if path.is_file() else None
