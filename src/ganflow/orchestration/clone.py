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
from typing import Any

import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName

import ganflow
from ganflow.base.errors import GanflowError
from ganflow.versions import git

TAKE_OVER = "GANFLOW_TAKE_OVER"
DEPLOYED = "GANFLOW_DEPLOYED"
"""Host, mark of the clone, and folder of the deployment that a run belongs to."""

_STEP = "prefect.deployments.steps.set_working_directory"


def refuse_another(prefect_file: str = "prefect.yaml") -> dict[str, str]:
    """Stop a `prefect deploy` whose deployments run in another folder until now.

    This is a build step for Prefect. `GANFLOW_TAKE_OVER=1` lets it go ahead.

    Returns:
        {"deployed": the value of `GANFLOW_DEPLOYED` for the runs}.
    """
    here = Path.cwd().resolve()
    others = {} if os.environ.get(TAKE_OVER) == "1" else deployed_elsewhere(here, prefect_file)
    if others:
        listed = "\n".join(f"  {name} runs in {folder}" for name, folder in others.items())
        words = shlex.join(["prefect", *sys.argv[1:]])
        # An exception would reach the user as the traceback of a step.
        print(
            f"These deployments belong to another clone, and would run in {here} from now on:\n"
            f"{listed}\nTo move them here, stop the worker of that clone, and then: "
            f"{TAKE_OVER}=1 {words}",
            file=sys.stderr,
        )
        raise SystemExit(1)
    return {"deployed": f"{socket.gethostname()} {_mark(here, make=True)} {here}"}


def deployed_elsewhere(here: Path, prefect_file: str) -> dict[str, str]:
    """The server's deployments of the names in `prefect_file`, with the other folder they run in.

    A folder that is gone, and was this clone, has only been moved.
    """
    moved = f" {_mark(here)} "
    described = yaml.safe_load(Path(prefect_file).read_text())["deployments"]
    entrypoints = {entry["name"]: entry["entrypoint"] for entry in described}
    named = DeploymentFilter(name=DeploymentFilterName(any_=list(entrypoints)))
    with get_client(sync_client=True) as client:
        found = client.read_deployments(deployment_filter=named)
    elsewhere = {}
    for one in sorted(found, key=lambda one: one.name):
        folder = _folder(one.pull_steps)
        if one.entrypoint != entrypoints[one.name] or folder in ("", str(here)):
            continue
        environment = (one.job_variables or {}).get("env") or {}
        if Path(folder).exists() or moved not in environment.get(DEPLOYED, ""):
            elsewhere[f"{entrypoints[one.name].rpartition(':')[2]}/{one.name}"] = folder
    return elsewhere


def _folder(pull_steps: list[dict[str, Any]] | None) -> str:
    """The folder that a deployment runs in; empty if a pull step makes its clone."""
    return next((step[_STEP]["directory"] for step in pull_steps or () if _STEP in step), "")


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
    if own.is_dir() and not own.samefile(runs) and _code(own) != _code(runs):
        raise GanflowError(
            f"the worker runs the code in {runs}, which is not that of the deployed clone",
            where=str(own),
            expected="a worker that was started in the clone's own environment",
            run=f"end that worker, then: cd {shlex.quote(str(here))} && make installed && "
            ".venv/bin/prefect worker start --pool ganflow --type process",
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


def _code(package: Path) -> dict[str, bytes]:
    return {str(p.relative_to(package)): p.read_bytes() for p in package.rglob("*.py")}
