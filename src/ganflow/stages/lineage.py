"""What DVC records of a stage is what ran: the same code, and nothing that changed meanwhile.

DVC hashes the dependencies of a stage after its command has ended (treeverse/dvc issue 11058). A
file that was edited during a training would be recorded as if it had been trained on.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ganflow
from ganflow.base.errors import GanflowError
from ganflow.base.files import sha256_of
from ganflow.config.document import parse
from ganflow.data.readers.folder import fingerprint
from ganflow.stages.lock import CODE, check_lock, code_in, files_below, stages_in

PARAMS = "params.yaml"


class ChangedError(GanflowError):
    """An input of a stage is not what DVC will record."""


@contextmanager
def recorded(stage: str) -> Iterator[None]:
    """Run the block as `stage` of the project for which DVC runs this process.

    Without DVC nothing is recorded, and nothing is checked.

    Raises:
        ChangedError: the running code is not the project's, or an input has changed when the
            block ends; DVC then records nothing.
        GanflowError: what is installed is not what ganflow.lock records.
    """
    root = os.environ.get("DVC_ROOT")
    if "DVC_STAGE" not in os.environ or root is None:
        yield
        return
    project = Path(root)
    check_code(project, stage)
    check_lock(project)
    before = _inputs(project, stage)
    yield
    after = _inputs(project, stage)
    changed = sorted(path for path in before | after if before.get(path) != after.get(path))
    if changed:
        raise ChangedError(
            f"changed while {stage} ran: {', '.join(changed[:10])}",
            where=str(project),
            expected="code, parameters and inputs that stay as they are until the stage has ended",
            run=f"dvc repro {stage}",
        )


def check_code(project: Path, stage: str) -> None:
    """Check that the running code is the code that DVC hashes for a stage, file by file.

    Raises:
        ChangedError: with a file that differs.
    """
    package = Path(ganflow.__file__).parent
    for path in _dependencies(project, stage):
        if not path.is_relative_to(CODE):
            continue
        running, hashed = package / path.relative_to(CODE), project / path
        if code_in(running) != code_in(hashed):
            raise ChangedError(
                f"the running code is not the project's: {path} differs from {running}",
                where=str(project),
                expected="the code of the folder that DVC works in",
                run="cmd: PYTHONPATH=src python -m ganflow in dvc.yaml, as git restore dvc.yaml "
                "brings back",
            )


def _dependencies(project: Path, stage: str) -> list[Path]:
    source = _values(project / PARAMS).get("data", {}).get("source", "")
    listed = stages_in(project)[stage].get("deps", [])
    return [Path(path.replace("${data.source}", source)) for path in listed]


def _values(path: Path) -> dict[str, Any]:
    return (parse(path.read_text()) or {}) if path.exists() else {}


def _inputs(project: Path, stage: str) -> dict[str, str]:
    """Every file and parameter that DVC hashes for a stage, each with what changes if it does.

    Code is told apart by its content, data by size, time and number of the file: hashing that
    twice more could take longer than the stage.
    """
    found: dict[str, str] = {}
    for entry in stages_in(project)[stage].get("params", []):
        listed = entry if isinstance(entry, dict) else {PARAMS: [entry]}
        for name, keys in listed.items():
            values = _values(project / name)
            found |= {f"{key} in {name}": json.dumps(values.get(key)) for key in keys}
    for path in _dependencies(project, stage):
        is_code = path.is_relative_to(CODE)
        for file in files_below(project / path):
            told = sha256_of(file) if is_code else str(fingerprint(file.stat()))
            found[str(file.relative_to(project))] = told
    return found
