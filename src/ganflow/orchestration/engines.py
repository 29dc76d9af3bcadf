"""The task runners of a sweep: threads in this process, or Dask workers."""

from typing import Any, Literal

from ganflow.base.errors import GanflowError

Engine = Literal["threads", "dask"]


def task_runner(engine: Engine, address: str | None, workers: int) -> Any:
    """Prefect's task runner for `engine`.

    Args:
        engine: `dask` needs the extra `dask`.
        address: a running Dask scheduler; None starts a cluster on this machine.
        workers: tasks at a time on this machine.
    """
    if engine == "threads":
        from prefect.task_runners import ThreadPoolTaskRunner

        return ThreadPoolTaskRunner(max_workers=workers)
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError:
        raise GanflowError(
            "Dask is not installed",
            where="sweep, engine",
            expected="the extra `dask`, or engine threads",
            run="pip install 'ganflow[dask]'",
        ) from None
    if address:
        return DaskTaskRunner(address=address)
    return DaskTaskRunner(cluster_kwargs={"n_workers": workers, "threads_per_worker": 1})
