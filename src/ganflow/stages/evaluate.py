"""The `evaluate` stage: the samples against the test split."""

from ganflow.base.files import sha256_of, whole_folder
from ganflow.base.paths import EVALUATION, EXTRACTOR, PREPARED, RAW, SAMPLES
from ganflow.base.progress import progress
from ganflow.base.runtime import RuntimeParams, configure, threads
from ganflow.base.store import open_store
from ganflow.config.evaluation import EvaluationParams
from ganflow.features.extractor import load_extractor
from ganflow.features.planted_faults import passes_test
from ganflow.metrics.inception import Inception, weights_file
from ganflow.metrics.results import evaluator_id, print_findings, write_findings, write_pictures
from ganflow.metrics.sample_evaluation import STEPS, Evaluator, evaluate_samples
from ganflow.metrics.samples import read_samples
from ganflow.metrics.suite import Plan

PLANS = {"quick": (10_000, 200), "full": (50_000, 1_000)}  # samples, bootstrap resamples
MODES = 26_000  # samples whose modes are counted in the full profile (Srivastava et al. 2017)


def run(runtime: RuntimeParams, evaluation: EvaluationParams) -> None:
    """All random numbers have fixed seeds, so equal samples get equal metrics."""
    configure(runtime)
    store = open_store(PREPARED)
    count, _ = PLANS[evaluation.profile]
    full = evaluation.profile == "full"
    samples, labels = read_samples(SAMPLES, store, count)
    source = store.card["sha256"]
    first = load_extractor(EXTRACTOR, source)
    second = load_extractor(EXTRACTOR / "second", source)
    hashes, inception = [first.card["sha256"], second.card["sha256"]], None
    if evaluation.features == "inception":
        weights = weights_file(RAW / "inception", evaluation.inception_weights)
        inception = Inception(weights)
        hashes.append(sha256_of(weights))
    plan = plan_for(evaluation, runtime, count)
    with progress("evaluate", STEPS + 1, "steps") as shown:
        findings, generated, real = evaluate_samples(
            Evaluator(first, second, inception), samples, labels, store, plan, full, shown.advance
        )
        train, test = store.split("train"), store.split("test")
        tested = passes_test(first.card) and passes_test(second.card)
        names = {
            "profile": evaluation.profile,
            "evaluator": evaluator_id(hashes, test),
            "evaluator_test": "passed" if tested else "failed",
        }
        with whole_folder(EVALUATION) as folder:
            write_findings(folder, findings, store.classes, names)
            write_pictures(folder / "plots", findings, samples, labels, generated, train, real)
        shown.advance()
    print_findings(findings)


def plan_for(evaluation: EvaluationParams, runtime: RuntimeParams, samples: int) -> Plan:
    """How much is measured of so many samples."""
    _, resamples = PLANS[evaluation.profile]
    modes = MODES if evaluation.profile == "full" else 0
    return Plan(samples, resamples, evaluation.baseline_draws, threads(runtime), modes)
