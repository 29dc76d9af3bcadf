"""Which stages a run has, what each of them will take, and what fits in some minutes."""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganflow.base.errors import GanflowError, ParameterError
from ganflow.base.paths import PREPARED, RAW, state_folder
from ganflow.base.progress import progress
from ganflow.base.store import open_store
from ganflow.config.params import Params
from ganflow.data.prepare import prepare
from ganflow.memory import peak_memory
from ganflow.stages.lock import files_below, stages_in
from ganflow.versions import dvc

TOGETHER = (("extractor", "evaluate"), ("sample", "train"))
"""The stages that one process measures: in this order, its memory so far is the stage's."""

REPORT_SECONDS, REPORT_BYTES = 13.0, 4 * 2**20
"""Of the report, besides its images and the start of its process."""

REPORT_IMAGES = 300
"""Images that the report generates."""

SHORTEST = 64
"""What `train.images` must be at least."""


@dataclass(frozen=True)
class StagePlan:
    """What one stage will take.

    Attributes:
        runs: whether DVC would run it; otherwise its results are up to date.
        memory: the most that its process needs, in bytes.
        disk: of its outputs, in bytes.
    """

    name: str
    runs: bool
    seconds: float = 0.0
    memory: int = 0
    disk: int = 0


@dataclass(frozen=True)
class RunPlan:
    """What a run will take.

    Attributes:
        dvc: seconds of DVC itself.
        image: seconds of a training image; 0 where the training does not run.
        fitting: the number of training images that fits in the asked minutes, if any were asked.
        notes: what the figures leave out.
    """

    stages: tuple[StagePlan, ...]
    dvc: float
    image: float
    fitting: int | None
    notes: tuple[str, ...]

    @property
    def seconds(self) -> float:
        ran = [stage.seconds for stage in self.stages if stage.runs]
        return sum(ran) + self.dvc * bool(ran)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "seconds": self.seconds}


def plan(project: Path, params: Params, minutes: float | None = None) -> RunPlan:
    """Measure what a run of the project in the current folder will take.

    Args:
        minutes: in which a run is to end, for `RunPlan.fitting`.

    Raises:
        ParameterError: minutes that are no number above 0, or too few.
        GanflowError: DVC does not say which stages would run; or as `prepare` raises.
    """
    if minutes is not None and not 0 < minutes < math.inf:
        raise ParameterError(
            f"minutes: {minutes:g} is not allowed", where="--minutes", expected="a number above 0"
        )
    changed, dvc_seconds = stages_to_run(project)
    if minutes is not None:
        changed |= below(project, {"train"})
    order = list(stages_in(project))
    measured: dict[str, StagePlan] = {}
    image, notes = 0.0, []
    with (
        tempfile.TemporaryDirectory(dir=state_folder()) as folder,
        progress("plan", len(changed), "stages") as shown,
    ):
        store = PREPARED
        if "prepare" in changed:
            store = Path(folder) / "prepared"
            measured["prepare"] = _preparing(params, store)
            shown.advance()
        for group in TOGETHER:
            for found in _measure(params, store, [name for name in group if name in changed]):
                name = found["stage"]
                measured[name] = StagePlan(
                    name, True, found["seconds"], found["memory"], found["disk"]
                )
                image = found["image"] or image
                notes += found["notes"]
                shown.advance()
        if "report" in changed and measured:
            measured["report"] = _report(measured, open_store(store).shape)
    stages = tuple(measured.get(name, StagePlan(name, name in changed)) for name in order)
    whole = RunPlan(stages, dvc_seconds, image, None, tuple(notes))
    return whole if minutes is None else _fitting(whole, minutes, params)


def stages_to_run(project: Path) -> tuple[set[str], float]:
    """The stages that DVC would run, and the seconds it takes to say so.

    Those below a changed stage are counted too: what they read is only known when it has run.
    """
    begin = time.monotonic()
    asked = dvc.attempt("status", "--json", cwd=project, timeout=600)
    if asked.code:
        raise asked.error(
            "DVC does not say which stages would run", cwd=project, remedy="dvc status"
        )
    return below(project, set(json.loads(asked.text))), time.monotonic() - begin


def below(project: Path, stages: set[str]) -> set[str]:
    """Stages, and those that read what they write, themselves or through others."""
    described, found = stages_in(project), set(stages)
    for name, stage in described.items():  # which dvc.yaml lists in their order
        outputs = {
            out if isinstance(out, str) else next(iter(out))
            for other in found & described.keys()
            for out in described[other].get("outs", ())
        }
        if outputs & set(stage.get("deps", ())):
            found.add(name)
    return found & described.keys()


def _preparing(params: Params, store: Path) -> StagePlan:
    """Prepare the images, whose number and size the other stages depend on."""
    store.mkdir()
    begin = time.monotonic()
    prepare(params.data, RAW, store)
    spent = time.monotonic() - begin
    disk = sum(path.stat().st_size for path in files_below(store))
    return StagePlan("prepare", True, spent, peak_memory(), disk)


def _measure(params: Params, store: Path, stages: list[str]) -> list[dict[str, Any]]:
    """What a process of its own measures of some stages; their seconds include its start."""
    if not stages:
        return []
    asked = {
        "params": params.model_dump(mode="json"),
        "store": str(store),
        "stages": stages,
        "time": time.time(),
    }
    environment = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    done = subprocess.run(
        [sys.executable, "-m", "ganflow.plan.measuring"],
        input=json.dumps(asked),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GanflowError(
            f"{' and '.join(stages)} cannot be measured: "
            + (done.stderr.strip().splitlines() or ["the process was ended"])[-1],
            expected="networks of these parameters that fit into this machine's memory",
            run="ganflow params, then this again",
        )
    start, *found = [json.loads(line) for line in done.stdout.splitlines()]
    return [{**one, "seconds": one["seconds"] + start["started"]} for one in found]


def _report(measured: dict[str, StagePlan], shape: tuple[int, int, int]) -> StagePlan:
    """The report, which is short: by the time and the memory of the stage `sample`."""
    likest = measured.get("sample") or next(iter(measured.values()))
    return StagePlan(
        "report", True, REPORT_SECONDS + min(likest.seconds, 10.0), likest.memory, REPORT_BYTES
    )


def _fitting(whole: RunPlan, minutes: float, params: Params) -> RunPlan:
    """The plan with the number of training images that fits."""
    batch = params.train.batch
    besides = whole.seconds - whole.image * params.train.images
    images = int((60 * minutes - besides) / whole.image) // batch * batch
    shortest = max(batch, SHORTEST)
    if images < shortest:
        least = (besides + shortest * whole.image) / 60
        raise ParameterError(
            f"minutes: {minutes:g} is too short: what is besides the training images takes "
            f"{besides / 60:.1f}",
            where="--minutes",
            expected=f"more than {math.ceil(10 * least) / 10:.1f}",
            run="ganflow plan with more minutes, or set fewer train.snapshots in params.yaml",
        )
    return RunPlan(whole.stages, whole.dvc, whole.image, images, whole.notes)


def in_words(found: RunPlan, params: Params) -> list[str]:
    """Lines for a person: a table of the stages, the whole, and what to type."""
    lines = [f"{'stage':12}{'time':>10}{'memory':>10}{'disk':>10}"]
    for stage in found.stages:
        if stage.runs:
            figures = duration(stage.seconds), size(stage.memory), size(stage.disk)
            lines.append(f"{stage.name:12}" + "".join(f"{figure:>10}" for figure in figures))
        else:
            lines.append(f"{stage.name:12}{'up to date':>10}")
    ran = [stage for stage in found.stages if stage.runs]
    if not ran:
        return [*lines, "Nothing would run."]
    memory, disk = max(stage.memory for stage in ran), sum(stage.disk for stage in ran)
    figures = duration(found.seconds), size(memory), size(disk)
    lines.append(f"{'dvc repro':12}" + "".join(f"{figure:>10}" for figure in figures))
    lines.append("Memory is the most at a time. DVC's cache may take the disk once more.")
    if found.fitting is not None:
        lines.append(
            f"{found.fitting:,} training images fit, and params.yaml has "
            f"{params.train.images:,}. To train with them:"
        )
        lines.append(f"  dvc exp run -S train.images={found.fitting}")
    return [*lines, *found.notes]


def duration(seconds: float) -> str:
    """Such as 45 s, 12 min or 3.5 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """Such as 3.4 MB or 1.2 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
