"""What has to be right before a retraining starts, checked in seconds instead of found in hours."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from ganflow.base.errors import GanflowError
from ganflow.versions import doctor


@task(
    name="check_project",
    task_run_name="check_project",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
)
def check_project(project: Path) -> None:
    """Raise for everything that would make the run fail later, each with what mends it."""
    log = get_run_logger()
    wrong = []
    for check in doctor.before_retraining(project):
        log.info("%s %s: %s", "✓" if check.good else "✗", check.name, check.found)
        if not check.good and check.needed:
            wrong.append(check)
    if wrong:
        raise GanflowError(
            "this project is not ready to be retrained:\n"
            + "\n".join(f"  ✗ {check.name}: {check.found}" for check in wrong),
            where=str(project),
            run="; ".join(check.mend for check in wrong),
        )
