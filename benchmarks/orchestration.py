"""What the flow costs beside plain DVC, on stages that take no time.

    python -m benchmarks.orchestration --json

All numbers are seconds of a whole process, the median of `--repeats` turns, in a small project
beside a running server:

- `noop_repro_seconds`: `dvc repro` with nothing to do.
- `added_seconds_unchanged`, `added_seconds_changed`: the flow `pipeline` against the server, less
  `dvc repro` of the same project, with nothing and with everything to do.
- `embedded_added_seconds`: the same as unchanged, by `python -m flows.pipeline`, which starts a
  server of its own; `embedded_first_added_seconds` with no database from an earlier run.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

from benchmarks.harness import command, rounded, seconds_of

ROOT = Path(__file__).parents[1]
PYTHON = [sys.executable, "-m"]
REPRO = [*PYTHON, "dvc", "repro", "--quiet"]
FLOW = [
    sys.executable,
    "-c",
    "from ganflow.orchestration.flows.pipeline import pipeline; pipeline()",
]
EMBEDDED = [*PYTHON, "flows.pipeline"]

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
}

STAGES = {
    "prepare": ("data/prepared", "data/raw/images"),
    "extractor": ("data/extractor", "data/prepared"),
    "train": ("data/model", "data/extractor"),
    "sample": ("data/samples", "data/model"),
    "evaluate": ("data/evaluation", "data/samples"),
    "report": ("data/report", "data/evaluation"),
}

SCRIPT = """
import pathlib, sys
out, source = map(pathlib.Path, sys.argv[1:])
source = source / "file.txt" if source.is_dir() else source
out.mkdir(parents=True)
(out / "file.txt").write_bytes(source.read_bytes() + out.name.encode())
"""


def measure(repeats: int = 3) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as client:
        project, state = Path(name, "project"), Path(name, "state")
        build_project(project)
        own = {"GANFLOW_STATE": str(state)}

        def changed(words: list[str], settings: dict[str, str]) -> None:
            """Run with something to do for every stage that the run cache has not seen."""
            write_source(project, time.time_ns())
            call(words, project, settings)

        def without_database() -> None:
            shutil.rmtree(state, ignore_errors=True)
            call(EMBEDDED, project, own)

        taken = seconds_of(
            {
                "repro": lambda: call(REPRO, project, {}),
                "flow": lambda: call(FLOW, project, client),
                "first": without_database,
                "embedded": lambda: call(EMBEDDED, project, own),
                "changed repro": lambda: changed(REPRO, {}),
                "changed flow": lambda: changed(FLOW, client),
            },
            repeats,
            warm_up=False,
        )
    median = {name: float(np.median(seconds)) for name, seconds in taken.items()}
    return rounded(
        {
            "noop_repro_seconds": median["repro"],
            "added_seconds_unchanged": median["flow"] - median["repro"],
            "added_seconds_changed": median["changed flow"] - median["changed repro"],
            "embedded_added_seconds": median["embedded"] - median["repro"],
            "embedded_first_added_seconds": median["first"] - median["repro"],
            "repeats": repeats,
        }
    )


def build_project(folder: Path) -> None:
    """Six stages of the names that the flow knows, each of which copies a line."""
    (folder / "data/raw").mkdir(parents=True)
    write_source(folder, 0)
    (folder / "params.yaml").write_text("seed: 0\ndata: {source: images}\n")
    (folder / "stage.py").write_text(SCRIPT)
    stages = [
        f"  {name}:\n    cmd: python stage.py {out} {source}\n"
        f"    deps: [{source}]\n    outs: [{out}]\n"
        for name, (out, source) in STAGES.items()
    ]
    (folder / "dvc.yaml").write_text("stages:\n" + "".join(stages))
    init = [*PYTHON, "dvc", "init", "--quiet"]
    settings = [*PYTHON, "dvc", "config", "core.check_update", "false"]
    for words in (["git", "init", "--quiet"], init, settings, REPRO):
        call(words, folder, {})


def write_source(project: Path, value: int) -> None:
    """Write an array, because the flow checks that the source can be read as images."""
    with (project / "data/raw/images").open("wb") as file:
        np.save(file, np.array([value]))


@contextmanager
def server(folder: Path) -> Iterator[dict[str, str]]:
    """A Prefect server on a free port; the settings that its clients need."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    address = f"http://127.0.0.1:{port}/api"
    settings = {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": address}
    words = [*PYTHON, "prefect", "server", "start", "--no-ui", "--port", str(port)]
    with subprocess.Popen(
        words, env=ENVIRONMENT | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            patient = httpx.HTTPTransport(retries=10)  # four minutes in all
            httpx.Client(transport=patient).get(f"{address}/health").raise_for_status()
            yield settings
        finally:
            process.terminate()


def call(words: list[str], folder: Path, settings: dict[str, str]) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(
        words, cwd=folder, env=ENVIRONMENT | settings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    command(measure, __doc__)
