"""What the flow costs beside plain DVC, on stages that take no time.

    python -m benchmarks.orchestration --json

All numbers are seconds of a whole process, the median of `--repeats`, in a small project:

- `noop_repro_seconds`: `dvc repro` with nothing to do.
- `added_seconds_unchanged`, `added_seconds_changed`: the flow `pipeline` against a running
  server, less `dvc repro` of the same project, with nothing and with everything to do.
- `embedded_added_seconds`: the same as unchanged, by `python -m flows.pipeline`, which starts a
  server of its own; `embedded_first_added_seconds` with no database from an earlier run.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.harness import options_of, show

ROOT = Path(__file__).parents[1]

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
(out / "file.txt").write_text(source.read_text() + out.name)
"""


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show(measure(Path(folder), options.repeats), options)


def measure(folder: Path, repeats: int) -> dict[str, float]:
    """All numbers, in a small project that is built in `folder`."""
    project = build_project(folder / "project")
    repro = command("dvc", "repro", "--quiet")
    embedded = command("flows.pipeline")
    own = {"GANFLOW_STATE": str(folder / "state")}

    def timed(words: list[str], settings: dict[str, str] | None = None) -> Callable[[], float]:
        return lambda: seconds(words, project, settings)

    def fresh_inputs() -> None:
        """Give every stage something to do that the run cache has not seen."""
        (project / "data/raw/images").write_text(str(time.time_ns()))

    def fresh_database() -> None:
        shutil.rmtree(folder / "state", ignore_errors=True)

    unchanged = median(repeats, timed(repro))
    changed = median(repeats, timed(repro), fresh_inputs)
    with server(folder) as settings:
        flow = [sys.executable, "-c", "from flows.pipeline import pipeline; pipeline()"]
        flow_unchanged = median(repeats, timed(flow, settings))
        flow_changed = median(repeats, timed(flow, settings), fresh_inputs)
    first = median(repeats, timed(embedded, own), fresh_database)
    again = median(repeats, timed(embedded, own))
    return {
        "noop_repro_seconds": unchanged,
        "added_seconds_unchanged": round(flow_unchanged - unchanged, 2),
        "added_seconds_changed": round(flow_changed - changed, 2),
        "embedded_added_seconds": round(again - unchanged, 2),
        "embedded_first_added_seconds": round(first - unchanged, 2),
        "repeats": repeats,
    }


def build_project(folder: Path) -> Path:
    """Six stages of the names that the flow knows, each of which copies a line."""
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/images").write_text("0")
    (folder / "params.yaml").write_text("seed: 0\ndata: {source: images}\n")
    (folder / "stage.py").write_text(SCRIPT)
    stages = [
        f"  {name}:\n    cmd: python stage.py {out} {source}\n"
        f"    deps: [{source}]\n    outs: [{out}]\n"
        for name, (out, source) in STAGES.items()
    ]
    (folder / "dvc.yaml").write_text("stages:\n" + "".join(stages))
    seconds(["git", "init", "--quiet"], folder)
    seconds(command("dvc", "init", "--quiet"), folder)
    seconds(command("dvc", "config", "core.check_update", "false"), folder)
    seconds(command("dvc", "repro", "--quiet"), folder)
    return folder


@contextmanager
def server(folder: Path) -> Iterator[dict[str, str]]:
    """A Prefect server on a free port; the settings that its clients need."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    settings = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command("prefect", "server", "start", "--no-ui", "--port", str(port)),
            env=environment(settings),
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(f"{settings['PREFECT_API_URL']}/health")
        yield settings
    finally:
        process.terminate()
        process.wait(30)


def wait_for(address: str, limit: float = 180) -> None:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    raise SystemExit(f"no answer from {address} in {limit:.0f} seconds")


def median(
    repeats: int, take: Callable[[], float], before: Callable[[], None] = lambda: None
) -> float:
    taken = []
    for _ in range(repeats):
        before()
        taken.append(take())
    return round(statistics.median(taken), 2)


def seconds(words: list[str], folder: Path, settings: dict[str, str] | None = None) -> float:
    """How long a command takes that must succeed."""
    started = time.monotonic()
    done = subprocess.run(
        words, cwd=folder, env=environment(settings), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return time.monotonic() - started


def environment(settings: dict[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
        "DVC_NO_ANALYTICS": "1",
        "DO_NOT_TRACK": "1",
        **(settings or {}),
    }


def command(tool: str, *words: str) -> list[str]:
    return [sys.executable, "-m", tool, *words]


if __name__ == "__main__":
    main()
