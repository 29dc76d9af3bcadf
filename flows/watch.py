"""The flow `watch`: says, as a Prefect event, that there are enough new images.

A server of one's own has no webhooks, so this flow looks every few minutes. The deployment
`retrain/on-new-data` is triggered by its event; it waits a while before it starts, and further
events in that time join the run that is waiting.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed

from ganflow.base.files import write_json
from ganflow.base.paths import RAW, state_folder
from ganflow.config import params as parameters
from ganflow.orchestration import processes
from ganflow.versions import dvc

EVENT = "ganflow.data.changed"
RESOURCE = "ganflow.data"


@dataclass(frozen=True)
class Change:
    """How the data differs from when the last event was sent."""

    files: int
    imports: tuple[str, ...]


@flow(name="watch", persist_result=False)
def watch(incoming: str | None = None, enough: int = 1) -> State[None]:
    """Look once, and send an event if there is enough that is new.

    Args:
        incoming: the folder that new images arrive in; without it, `data/raw/<data.source>`.
        enough: files that must be new or changed.
    """
    project = Path.cwd()
    source = parameters.load().data.source
    folder = Path(incoming) if incoming else project / RAW / source
    memory = (
        state_folder() / "watch" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}.json"
    )
    before = json.loads(memory.read_text()) if memory.exists() else None
    now = fingerprints(folder)
    if before is None:
        write_json(memory, now)
        return Completed(
            name="Unchanged", message=f"noted {len(now)} files; the next look compares"
        )
    change = Change(changed_files(before, now), outdated_imports(project))
    if change.files < enough and not change.imports:
        return Completed(name="Unchanged", message=f"{change.files} new files of {enough}")
    emit_event(
        EVENT,
        resource={"prefect.resource.id": f"{RESOURCE}.{source}"},
        payload={
            "files": change.files,
            "imports": list(change.imports),
            "incoming": str(folder) if change.files >= enough else "",
        },
    )
    write_json(memory, now)
    return Completed(
        name="Changed",
        message=f"{change.files} new files, {len(change.imports)} imported sources with news",
    )


def fingerprints(folder: Path) -> dict[str, str]:
    """Each file's size and time of change: enough to see that it is another one."""
    if not folder.is_dir():
        return {}
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            stat = path.stat()
            found[str(path.relative_to(folder))] = f"{stat.st_size} {stat.st_mtime_ns}"
    return found


def changed_files(before: dict[str, str], now: dict[str, str]) -> int:
    """Files that are new or different; one that is gone is no reason to train."""
    return sum(before.get(name) != mark for name, mark in now.items())


def outdated_imports(project: Path) -> tuple[str, ...]:
    """Imported sources of which DVC says that there is an update."""
    pointers = [str(p.relative_to(project)) for p in sorted((project / RAW).glob("*.dvc"))]
    if not pointers:
        return ()
    said = processes.checked(
        dvc.command("status", "--json", *pointers),
        cwd=project,
        what="DVC cannot say whether the imported sources have changed",
        remedy="dvc status " + " ".join(pointers),
        with_secrets=True,
        timeout=600,
    )
    found = json.loads(said[said.index("{") :]) if "{" in said else {}
    return tuple(name for name, state in sorted(found.items()) if "update available" in str(state))
