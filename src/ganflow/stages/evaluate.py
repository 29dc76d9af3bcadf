"""Measure the samples: metrics.json for a reviewer, detail.json for the rest, plots to look at."""

from ganflow.base.errors import DataError
from ganflow.base.files import sha256_of, whole_folder
from ganflow.base.paths import EVALUATION, EXTRACTOR, PREPARED, RAW, SAMPLES
from ganflow.base.runtime import Runtime, configure, threads
from ganflow.base.store import SPLITS, Split, open_store
from ganflow.config.evaluation import Evaluation
from ganflow.features.extractor import load_extractor
from ganflow.metrics.evaluation import evaluate, evaluator_id
from ganflow.metrics.inception import Inception, weights_file
from ganflow.metrics.record import summary_lines, write_findings, write_pictures
from ganflow.metrics.samples import read_samples
from ganflow.metrics.suite import Plan

PLANS = {"quick": (10_000, 200), "full": (50_000, 1_000)}  # samples, bootstrap resamples
MODES = 26_000  # samples whose modes are counted in the full profile (Srivastava et al. 2017)


def run(runtime: Runtime, evaluation: Evaluation) -> None:
    configure(runtime)
    store = open_store(PREPARED)
    plan = _plan(runtime, evaluation)
    images, labels = read_samples(SAMPLES, store)
    if len(images) < plan.samples:
        raise DataError(
            f"{len(images)} samples",
            where=str(SAMPLES / "images.npy"),
            expected=f"at least {plan.samples}, "
            f"which evaluation.profile {evaluation.profile} judges",
            run=f"set sample.images to {plan.samples} or more in params.yaml, then dvc repro",
        )
    samples = Split(images[: plan.samples], None if labels is None else labels[: plan.samples])
    splits: dict[str, Split] = {name: store.split(name) for name in SPLITS}
    source = store.card["sha256"]
    first = load_extractor(EXTRACTOR, source)
    second = load_extractor(EXTRACTOR / "second", source)
    hashes = [first.card["sha256"], second.card["sha256"]]
    inception = None
    if evaluation.features == "inception":
        weights = weights_file(RAW / "inception", evaluation.inception_weights)
        inception = Inception(weights)
        hashes.append(sha256_of(weights))
    names = {"profile": evaluation.profile, "evaluator": evaluator_id(hashes, splits["test"])}

    findings = evaluate(samples, splits, store.classes, (first, second), inception, plan)

    with whole_folder(EVALUATION) as folder:
        write_findings(folder, findings, store.classes, names)
        write_pictures(folder / "plots", findings, samples, splits["train"])
    for line in summary_lines(findings):
        print(line)


def _plan(runtime: Runtime, evaluation: Evaluation) -> Plan:
    count, resamples = PLANS[evaluation.profile]
    full = evaluation.profile == "full"
    modes = MODES if full else 0
    return Plan(count, resamples, evaluation.baseline_draws, threads(runtime), modes, full)
