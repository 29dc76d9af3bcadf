"""Score another revision's generator with this project's evaluator.

Numbers from two evaluators cannot be compared. So the other generator is sampled and evaluated
again, in a folder with its model and with this project's data, extractor and parameters.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ganflow
from ganflow.base.errors import GanflowError
from ganflow.base.paths import EXTRACTOR, MODEL, PREPARED, RAW
from ganflow.config.params import PARAMS_FILE
from ganflow.versions import commands
from ganflow.versions.gate import Measured
from ganflow.versions.models import model_at
from ganflow.versions.reading import measured_at

SECONDS = 3600


def rescored(revision: str, project: Path, state: Path) -> Measured:
    """The evaluation of `revision`'s generator under this project's evaluator.

    Raises:
        GanflowError: if DVC does not have its model, or it does not fit this project's data.
    """
    with sampled(revision, project, state) as folder:
        _stage("evaluate", folder, revision)
        return measured_at(None, folder)


@contextmanager
def sampled(revision: str, project: Path, state: Path) -> Iterator[Path]:
    """A folder with samples of `revision`'s generator, and this project's data beside them."""
    model = model_at(revision, project, state)
    with tempfile.TemporaryDirectory(prefix="rescoring-", dir=state) as name:
        folder = Path(name)
        for path, source in (
            (MODEL, model),
            *((path, project / path) for path in (PREPARED, EXTRACTOR, RAW, PARAMS_FILE)),
        ):
            if not source.exists():
                raise GanflowError(
                    f"{path.as_posix()} is not there, and {revision} has to be scored by it",
                    where=str(project),
                    run="dvc checkout, or dvc pull",
                )
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(source.resolve())
        _stage("sample", folder, revision)
        yield folder


def _stage(name: str, folder: Path, revision: str) -> None:
    print(f"ganflow: {name} with the model of {revision[:12]} ...", file=sys.stderr, flush=True)
    package = str(Path(ganflow.__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    result = commands.attempt(
        [sys.executable, "-m", "ganflow", name],
        cwd=folder,
        timeout=SECONDS,
        environment={"PYTHONPATH": os.pathsep.join(paths)},
    )
    if result.code:
        lines = [line for line in result.errors.splitlines() if line.strip()]
        said = next((x for x in lines if x.startswith("ganflow:")), "".join(lines[-1:]))
        raise GanflowError(
            f"the model of {revision} cannot be scored here: {said.removeprefix('ganflow: ')}",
            where=f"stage {name}",
            expected="a model for images of the same size and classes",
        )
