"""The folders that stages read and write, and the state folder.

The state folder holds what is no result: checkpoints, locks, logs, Prefect's own database. It is
outside the stages' outputs, because DVC deletes those before it runs a stage.
"""

import os
from pathlib import Path

from ganflow.base.errors import GanflowError

RAW = Path("data/raw")
PREPARED = Path("data/prepared")
EXTRACTOR = Path("data/extractor")
START = Path("data/start")
MODEL = Path("data/model")
TRAINING = Path("data/training")
SAMPLES = Path("data/samples")
EVALUATION = Path("data/evaluation")
REPORT = Path("data/report")

MODEL_FILES = ("card.json", "generator.safetensors", "discriminator.safetensors")
"""The files of a model's folder."""


def state_folder() -> Path:
    """`$GANFLOW_STATE`, or `.ganflow` in the current project.

    Workspaces of one clone share it by being started with the same `$GANFLOW_STATE`.

    Raises:
        GanflowError: it cannot be made.
    """
    folder = Path(os.environ.get("GANFLOW_STATE") or ".ganflow").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GanflowError(
            f"the state folder cannot be made: {error.strerror}",
            where=str(folder),
            expected="a folder that you may write, for checkpoints and locks",
            run="export GANFLOW_STATE=/a/folder/of/yours, then this again",
        ) from None
    return folder
