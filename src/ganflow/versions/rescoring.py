"""Evaluate another model as this project's own model is evaluated.

Metrics of two evaluators cannot be compared. So the other model is sampled and evaluated again, in
a folder that has that model and the data, extractor, parameters and code of this project, with the
commands in dvc.yaml.
"""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ganflow.base.errors import GanflowError
from ganflow.base.paths import EVALUATION, EXTRACTOR, MODEL, PREPARED, SAMPLES
from ganflow.config import params as parameters
from ganflow.stages.lock import stages_in
from ganflow.versions import commands
from ganflow.versions.gate import Measured
from ganflow.versions.models import model_at
from ganflow.versions.reading import measured_at

SECONDS = 3600
DATA = MODEL.parent
NOT_SHARED = {".git", ".dvc", ".ganflow", DATA.name, parameters.PARAMS_FILE.name}

RunStage = Callable[[str, Path], None]
"""Runs the command of the stage of that name in a folder."""


def rescored(revision: str, project: Path, state: Path) -> Measured:
    """The evaluation of a revision's model under this project's evaluator.

    Raises:
        GanflowError: if DVC does not have its model, or it does not fit this project's data.
    """
    with sampled(revision, project, state) as folder:
        run_stage("evaluate", folder)
        return measured_at(None, folder)


@contextmanager
def sampled(revision: str, project: Path, state: Path) -> Iterator[Path]:
    """A folder with samples of a revision's model, and this project's data beside them."""
    model = model_at(revision, project, state)
    logging.getLogger("ganflow").info("evaluating the model of %s again ...", revision[:12])
    with with_model(model, project, state) as folder:
        run_stage("sample", folder)
        yield folder


def evaluate_model(model: Path, project: Path, state: Path, seed: int, run: RunStage) -> Measured:
    """Sample and evaluate the model in a folder under another seed.

    Args:
        project: has the data, the extractor, the parameters and the code.
    """
    with with_model(model, project, state) as folder:
        parameters.edit({"seed": seed}, folder / parameters.PARAMS_FILE)
        for stage in ("sample", "evaluate"):
            run(stage, folder)
        return measured_at(None, folder)


@contextmanager
def with_model(model: Path, project: Path, state: Path) -> Iterator[Path]:
    """A temporary folder that is `project` with another model and without its evaluation."""
    for path in (PREPARED, EXTRACTOR):
        if not (project / path).exists():
            raise GanflowError(
                f"{path.as_posix()} is missing, and the evaluation of another model needs it",
                where=str(project),
                run="dvc checkout, or dvc pull",
            )
    with tempfile.TemporaryDirectory(prefix="rescoring-", dir=state) as name:
        folder = Path(name)
        (folder / DATA).mkdir()
        for entry in (*project.iterdir(), *(project / DATA).iterdir()):
            path = entry.relative_to(project)
            if path.name not in NOT_SHARED and path not in (MODEL, SAMPLES, EVALUATION):
                (folder / path).symlink_to(entry.resolve())
        (folder / MODEL).symlink_to(model.resolve())
        shutil.copyfile(project / parameters.PARAMS_FILE, folder / parameters.PARAMS_FILE)
        yield folder


def stage_command(stage: str, folder: Path) -> list[str]:
    """The command of a stage in dvc.yaml, for a shell, as DVC runs it."""
    return ["sh", "-c", stages_in(folder)[stage]["cmd"]]


def run_stage(stage: str, folder: Path) -> None:
    """Run a stage's command.

    Raises:
        GanflowError: with its error message.
    """
    result = commands.attempt(stage_command(stage, folder), cwd=folder, timeout=SECONDS)
    if result.code:
        raise GanflowError(
            f"the model cannot be evaluated here: {result.said('ganflow: ')}",
            where=f"stage {stage}",
            expected="a model for images of the same size and classes",
        )
