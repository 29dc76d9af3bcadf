"""A look at the newest images of a watched folder, in a child process."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ganflow.base.paths import state_folder
from ganflow.incoming.drift import Drift, Levels
from ganflow.incoming.look import read_result
from ganflow.orchestration import processes
from ganflow.orchestration.watched_folder import FileStates, copy_files, newest

WINDOW = 500
"""New files that a look measures: the ones that were changed last."""

SECONDS = 1800
"""Time limit of a look: one that finds a drift draws hundreds of thousands of divisions."""


def look_in_child(
    project: Path,
    folder: Path,
    arrived: FileStates,
    levels: Levels,
    on_line: Callable[[str], None],
) -> Drift:
    """Measure the newest of the files that have arrived.

    A copy of them is measured, so that it does not matter what happens to the folder meanwhile.

    Raises:
        CommandError: with what the child said.
    """
    with tempfile.TemporaryDirectory(prefix="look-", dir=state_folder()) as scratch:
        copies, result = Path(scratch, "files"), Path(scratch, "result.json")
        copies.mkdir()
        copy_files(folder, newest(arrived, WINDOW), copies)
        command = [sys.executable, "-m", "ganflow.incoming.look", str(copies), str(result)]
        processes.checked(
            [*command, str(levels.drift), str(levels.class_share)],
            cwd=project,
            what="what has arrived could not be measured",
            remedy="dvc repro extractor, and watch again",
            on_line=on_line,
            timeout=SECONDS,
        )
        return read_result(result)
