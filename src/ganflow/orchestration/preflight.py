"""The checks before a retraining: seconds now instead of a failure hours later."""

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
    """Raise one error that lists every problem that would fail the run, each with its remedy."""
    log = get_run_logger()
    failed = []
    for check in doctor.before_retraining(project):
        log.info("%s %s: %s", "✓" if check.good else "✗", check.name, check.found)
        if not check.good and check.needed:
            failed.append(check)
    if failed:
        raise GanflowError(
            "this project is not ready for a retraining:\n"
            + "\n".join(f"  ✗ {check.name}: {check.found}" for check in failed),
            where=str(project),
            run="; ".join(check.mend for check in failed),
        )
