"""What every flow run begins with."""

import logging

from prefect.exceptions import FailedRun

from ganflow.base.errors import GanflowError
from ganflow.orchestration.clone import check_clone
from ganflow.orchestration.parent_watchdog import end_with_worker


def begin_run() -> None:
    """Tie this run to its worker, keep its log short, and check that it runs in the right clone.

    Raises:
        GanflowError: as of `check_clone`.
    """
    end_with_worker()
    for name in ("prefect.flow_runs", "prefect.task_runs", "prefect.engine"):
        logging.getLogger(name).addFilter(_without_traceback)
    check_clone()


def _without_traceback(record: logging.LogRecord) -> bool:
    """Log an error of ganflow, or a failure that a flow returned, as its sentence alone.

    Where a flow returns a failure, Prefect raises it once more when the run has ended, and logs
    that as unexpected. Any other error keeps its traceback.
    """
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, FailedRun | GanflowError):
        return True
    if "unexpected exception" in record.getMessage():
        return False  # the final state, with its message, is the last line already
    record.msg, record.args = record.getMessage().replace(repr(error), str(error)), ()
    record.exc_info = None
    return True
