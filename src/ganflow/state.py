"""Where things live that are no result: checkpoints, locks, logs, Prefect's own database.

They stand outside the stages' outputs, because DVC deletes those before it runs a stage.
"""

import os
from pathlib import Path


def state_folder() -> Path:
    """`$GANFLOW_STATE`, or `.ganflow` in the current project.

    Workspaces of one clone share it by being started with the same `$GANFLOW_STATE`.
    """
    folder = Path(os.environ.get("GANFLOW_STATE") or ".ganflow").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
