"""Ending a flow whose worker was killed.

A worker that is killed outright cannot end its runs: they would go on with nobody to report to,
while the next worker starts them again beside themselves.
"""

import os
import signal
import threading
import time

SECONDS_BETWEEN_LOOKS = 1.0


def end_with_worker() -> None:
    """If a worker started this process, send it SIGTERM as soon as that worker is gone.

    Prefect then reports the run as crashed, and the stage's processes end with this one.
    """
    if "PREFECT__FLOW_RUN_ID" not in os.environ:
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watchdog", daemon=True).start()
