"""Which clone the deployments run in: one that is named on purpose, and no other.

Prefect runs a deployment in the folder that `prefect deploy` was started in. Deploying from a
second clone would move the deployments there without a word, so a build step of prefect.yaml stops
it. What the step returns becomes an environment variable of each run, which the flows check.
"""

import os
import secrets
import shlex
import socket
import sys
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

import ganflow
from ganflow.base.errors import GanflowError
from ganflow.stages.lock import code_in
from ganflow.versions import git
from ganflow.versions.deployments import work_pool

TAKE_OVER = "GANFLOW_TAKE_OVER"
DEPLOYED = "GANFLOW_DEPLOYED"
"""Host, mark of the clone, and folder of the deployment that a run belongs to."""

_STEP = "prefect.deployments.steps.set_working_directory"


def refuse_another(deployment: str) -> dict[str, str]:
    """Stop a `prefect deploy` of a deployment that runs in another folder until now.

    This is a build step for Prefect. `GANFLOW_TAKE_OVER=1` lets it go ahead, and so does a folder
    that is gone and was this clone: it has only been moved.

    Args:
        deployment: flow and name, as in `pipeline/local`.

    Returns:
        {"deployed": the value of `GANFLOW_DEPLOYED` for the runs}.
    """
    here, mark = Path.cwd().resolve(), _mark(Path.cwd(), make=True)
    folder, environment = _deployed(deployment)
    moved = not Path(folder).exists() and f" {mark} " in environment.get(DEPLOYED, "")
    if folder not in ("", str(here)) and not moved and os.environ.get(TAKE_OVER) != "1":
        # An exception would reach the user as the traceback of a step.
        print(
            f"{deployment} runs in {folder} until now, and would run in {here}.\n"
            "To move it, end the worker of that clone, and then: "
            f"{TAKE_OVER}=1 {shlex.join(['prefect', *sys.argv[1:]])}",
            file=sys.stderr,
        )
        raise SystemExit(1)
    return {"deployed": f"{socket.gethostname()} {mark} {here}"}


def _deployed(deployment: str) -> tuple[str, dict[str, str]]:
    """The folder and the environment of a deployment on the server.

    The folder is empty where there is none, or where a pull step makes the clone.
    """
    try:
        with get_client(sync_client=True) as client:
            found = client.read_deployment_by_name(deployment)
    except ObjectNotFound:
        return "", {}
    folders = [step[_STEP]["directory"] for step in found.pull_steps or () if _STEP in step]
    return "".join(folders[:1]), (found.job_variables or {}).get("env") or {}


def check_clone() -> None:
    """Check that this run works in the clone that was deployed, and with that clone's code.

    A run that belongs to no deployment of prefect.yaml has nothing to check.

    Raises:
        GanflowError: with the folder that was deployed, the one that runs, and what to do.
    """
    deployed = os.environ.get(DEPLOYED)
    if not deployed:
        return
    host, mark, folder = deployed.split(" ", 2)
    here = Path.cwd().resolve()
    # Other machines have other clones at the same path.
    replaced = host == socket.gethostname() and mark != _mark(here)
    if here != Path(folder).resolve() or replaced:
        raise GanflowError(
            f"this run was deployed from {folder}, and {here} is another clone",
            where=str(here),
            expected="the clone that was deployed",
            run=f"cd {shlex.quote(str(here))} && {TAKE_OVER}=1 prefect --no-prompt deploy --all",
        )
    runs, own = Path(ganflow.__file__).parent, here / "src" / "ganflow"
    if own.is_dir() and not own.samefile(runs) and code_in(own) != code_in(runs):
        raise GanflowError(
            f"the worker runs the code in {runs}, which is not that of the deployed clone",
            where=str(own),
            expected="a worker that was started in the clone's own environment",
            run=f"end that worker, then: cd {shlex.quote(str(here))} && make installed && "
            f".venv/bin/prefect worker start --pool {work_pool(here)} --type process",
        )


def _mark(clone: Path, *, make: bool = False) -> str:
    """A random name that a clone keeps in its git folder; `-` if it has none."""
    found = git.attempt("rev-parse", "--git-path", "ganflow-clone", cwd=clone)
    if found.code:
        return "-"
    path = clone / found.text.strip()
    if make and not path.exists():
        path.write_text(secrets.token_hex(8))
    return path.read_text() if path.exists() else "-"
