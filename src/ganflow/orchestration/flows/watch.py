"""The flow `watch`: send a Prefect event when what has arrived is worth a retraining.

A self-hosted Prefect server has no webhooks, so this flow checks every few minutes. Its event
triggers the deployment `retrain/on-new-data`, which waits before it starts; further events in that
time do not start another run.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.logging import get_run_logger
from prefect.states import Completed

from ganflow.base.paths import RAW
from ganflow.config import params as parameters
from ganflow.incoming.drift import FEWEST_IMAGES, Drift, Levels
from ganflow.incoming.look import not_measurable
from ganflow.incoming.trigger import FALL_BACK, Trigger, check_trigger
from ganflow.orchestration import processes
from ganflow.orchestration.look_process import look_in_child
from ganflow.orchestration.run_form import Count, TriggerValues
from ganflow.orchestration.run_start import begin_run
from ganflow.orchestration.watched_folder import (
    FileStates,
    Watched,
    digest,
    file_states,
    load_watched,
    new_files,
    now_seconds,
    save_watched,
)
from ganflow.versions import dvc
from ganflow.versions.deployments import project_name

EVENT = "ganflow.data.changed"
RESOURCE = "ganflow.data"


@flow(name="watch", persist_result=False)
def watch(
    incoming: str | None = None, enough: Count = 1, trigger: TriggerValues | None = None
) -> State[None]:
    """Check once, and send an event if what has arrived is worth a retraining.

    An imported source that has an update always is.

    Args:
        incoming: the folder in which new images arrive; None for `data/raw/<data.source>`.
        enough: without `trigger`, the number of new or changed files that start a retraining.
        trigger: what starts one: any of {"images": 100, "drift": true, "class_share": true,
            "new_class": true, "age": "30 days"}.
    """
    begin_run()
    rules = check_trigger(trigger, enough)
    project = Path.cwd()
    source = parameters.load().data.source
    folder = Path(incoming) if incoming else project / RAW / source
    before, now, time = load_watched(folder), file_states(folder), now_seconds()
    if before is None:
        save_watched(folder, Watched(now, time, time))
        return Completed(
            name="Unchanged", message=f"recorded {len(now)} files to compare with next time"
        )
    arrived, imports = new_files(before.files, now), outdated_imports(project)
    causes, said, measured = _causes(project, folder, rules, before, arrived, time)
    if not causes and not imports:
        return Completed(name="Unchanged", message=said)
    if causes:
        looked = load_watched(folder) or before
        save_watched(folder, replace(looked, files=now, since=time, seen=""))
    cause = "; ".join([*causes, *(f"imports: {name} has an update" for name in imports)])
    emit_event(
        EVENT,
        resource={"prefect.resource.id": f"{RESOURCE}.{project_name(project)}/{source}"},
        payload={
            "files": len(arrived),
            "imports": list(imports),
            "incoming": str(folder) if causes else "",
            "cause": cause,
            "measured": asdict(measured) if measured else None,
        },
    )
    return Completed(name="Changed", message=cause)


def _causes(
    project: Path,
    folder: Path,
    rules: Trigger,
    before: Watched,
    arrived: FileStates,
    time: float,
) -> tuple[list[str], str, Drift | None]:
    """What starts a retraining, the sentence for when nothing does, and what a look has found."""
    missing = not_measurable(project) if rules.measures else ""
    count = rules.images or (FALL_BACK if missing else None)
    elapsed = time - before.since
    said = f"{len(arrived)} new files" + (f" of {count}" if count else "")
    if missing:
        said += f"; they are only counted, because {missing}"
    causes = rules.by_count(len(arrived), elapsed, count)
    if causes or missing or not rules.measures or not arrived:
        return [f"{cause}{_only_counted(missing)}" for cause in causes], said, None
    levels = rules.levels(time - before.looked) if len(arrived) >= FEWEST_IMAGES else Levels()
    tested = levels != Levels()
    seen = f"{digest(arrived)} {'tested' if tested else 'named'}"
    if before.seen == seen or not (tested or rules.new_class):
        return [], said, None
    drift = look_in_child(project, folder, arrived, levels, get_run_logger().info)
    # The level is spent, whatever was found.
    looked = time if tested else before.looked
    save_watched(folder, replace(before, looked=looked, seen=seen))
    return rules.by_look(drift), f"{said}; {drift.sentence}", drift


def _only_counted(missing: str) -> str:
    return f" (only counted, because {missing})" if missing else ""


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
    found: dict[str, Any] = json.loads(said[said.index("{") :]) if "{" in said else {}
    return tuple(name for name, state in sorted(found.items()) if "update available" in str(state))
