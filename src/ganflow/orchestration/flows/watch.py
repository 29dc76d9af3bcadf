"""The flow `watch`: send a Prefect event when there are enough new images.

A self-hosted Prefect server has no webhooks, so this flow checks every few minutes. Its event
triggers the deployment `retrain/on-new-data`, which waits before it starts; further events in that
time do not start another run.
"""

import json
from pathlib import Path

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed

from ganflow.base.paths import RAW
from ganflow.config import params as parameters
from ganflow.orchestration import processes
from ganflow.orchestration.run_form import Count
from ganflow.orchestration.run_start import begin_run
from ganflow.orchestration.watched_folder import (
    count_new_files,
    file_states,
    load_states,
    save_states,
)
from ganflow.versions import dvc
from ganflow.versions.deployments import project_name

EVENT = "ganflow.data.changed"
RESOURCE = "ganflow.data"


@flow(name="watch", persist_result=False)
def watch(incoming: str | None = None, enough: Count = 1) -> State[None]:
    """Check once, and send an event if there are enough new files or an updated import.

    Args:
        incoming: the folder in which new images arrive; None for `data/raw/<data.source>`.
        enough: the number of new or changed files that is worth a retraining.
    """
    begin_run()
    project = Path.cwd()
    source = parameters.load().data.source
    folder = Path(incoming) if incoming else project / RAW / source
    before, now = load_states(folder), file_states(folder)
    if before is None:
        save_states(folder, now)
        return Completed(
            name="Unchanged", message=f"recorded {len(now)} files to compare with next time"
        )
    files, imports = count_new_files(before, now), outdated_imports(project)
    if files < enough and not imports:
        return Completed(name="Unchanged", message=f"{files} new files of {enough}")
    emit_event(
        EVENT,
        resource={"prefect.resource.id": f"{RESOURCE}.{project_name(project)}/{source}"},
        payload={
            "files": files,
            "imports": list(imports),
            "incoming": str(folder) if files >= enough else "",
        },
    )
    save_states(folder, now)
    return Completed(
        name="Changed",
        message=f"{files} new files, {len(imports)} imported sources with updates",
    )


def outdated_imports(project: Path) -> tuple[str, ...]:
    """The imported sources for which DVC reports an update."""
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
