"""The `report` stage: one self-contained HTML page about everything that the pipeline made."""

from pathlib import Path
from typing import Any

import numpy as np

from ganflow.base.files import read_array, read_json, whole_folder, write_text
from ganflow.base.paths import EVALUATION, EXTRACTOR, MODEL, PREPARED, REPORT, SAMPLES, TRAINING
from ganflow.base.progress import progress
from ganflow.base.runtime import RuntimeParams, configure
from ganflow.base.store import open_store
from ganflow.config.data import DataParams
from ganflow.config.evaluation import EvaluationParams
from ganflow.config.extractor import ExtractorParams
from ganflow.config.model import ModelParams
from ganflow.config.report import ReportParams
from ganflow.config.sample import SampleParams
from ganflow.config.train import TrainParams
from ganflow.gan.saved import load_generator
from ganflow.report.compose import SECTIONS, compose
from ganflow.report.growth import write_animation
from ganflow.report.page import render
from ganflow.report.sources import Sources, digest


def run(
    seed: int,
    runtime: RuntimeParams,
    data: DataParams,
    extractor: ExtractorParams,
    model: ModelParams,
    train: TrainParams,
    sample: SampleParams,
    evaluation: EvaluationParams,
    report: ReportParams,
) -> None:
    configure(runtime)
    labels = SAMPLES / "labels.npy"
    folders = (PREPARED, EXTRACTOR, MODEL, TRAINING, SAMPLES, EVALUATION)
    sources = Sources(
        store=open_store(PREPARED),
        generator=load_generator(MODEL),
        samples=read_array(SAMPLES / "images.npy"),
        labels=np.asarray(read_array(labels)) if labels.is_file() else None,
        metrics=read_json(EVALUATION / "metrics.json"),
        detail=_optional(EVALUATION / "detail.json"),
        training=TRAINING,
        model_card=_optional(MODEL / "card.json"),
        extractor_card=_optional(EXTRACTOR / "card.json"),
        digests={folder.as_posix(): digest(folder) for folder in folders},
    )
    sections = {
        "runtime": runtime,
        "data": data,
        "extractor": extractor,
        "model": model,
        "train": train,
        "sample": sample,
        "evaluation": evaluation,
        "report": report,
    }
    with progress("report", SECTIONS, "sections") as shown:
        page = compose(sources, seed, sections, report, sample.truncation, shown.advance)
    with whole_folder(REPORT) as folder:
        write_text(folder / "index.html", render(page))
        write_animation(TRAINING, folder / "growth.webp")


def _optional(path: Path) -> dict[str, Any]:
    return dict(read_json(path)) if path.is_file() else {}
