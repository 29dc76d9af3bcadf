"""Ending a flow run whose worker was killed.

A worker that is killed cannot end its flow runs. They would continue, and the next worker would
start the same runs a second time.
"""

import os
import signal
import threading
import time

SECONDS_BETWEEN_CHECKS = 1.0


def end_with_worker() -> None:
    """If a worker started this process, send this process SIGTERM when that worker ends.

    Prefect then reports the run as crashed, and the processes of the stage end too.
    """
    if "PREFECT__FLOW_RUN_ID" not in os.environ:
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_CHECKS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watchdog", daemon=True).start()
