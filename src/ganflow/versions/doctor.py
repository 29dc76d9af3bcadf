"""The checks of `ganflow doctor`: everything around the pipeline that can be wrong.

Each check says what it found and, if that is wrong, the command that repairs it.
"""

import importlib.metadata
import ipaddress
import json
import os
import shutil
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ganflow.base.environment import version_of
from ganflow.base.errors import GanflowError
from ganflow.base.paths import RAW
from ganflow.config import params as parameters
from ganflow.config.train import own_functions
from ganflow.data.readers.formats import check_source
from ganflow.data.sources import require
from ganflow.extras import EXTRA_OF
from ganflow.gan.own_files import require_files
from ganflow.stages.lock import check_lock
from ganflow.versions import commands, dvc, git
from ganflow.versions.deployments import deployment, work_pool

LEAST_FREE_BYTES = 2 * 10**9
SECONDS = 60


@dataclass(frozen=True)
class Check:
    """The result of one check."""

    name: str
    good: bool
    found: str
    mend: str = ""
    needed: bool = True
    """Whether the flows cannot run without it."""


def everything(project: Path) -> list[Check]:
    """All checks."""
    return [
        *before_retraining(project),
        inputs(project),
        *orchestration(project),
    ]


def before_retraining(project: Path) -> list[Check]:
    """The checks before a retraining; they take a few seconds.

    The server and its worker are not checked, because a retraining already runs on them.
    """
    return [
        interpreter(),
        *versions(),
        free_disk(project),
        identity(project),
        *repository(project),
        *answering(project),
        processor(),
    ]


def interpreter() -> Check:
    found = f"{sys.version_info.major}.{sys.version_info.minor} at {sys.executable}"
    return Check("Python", True, found)


def versions() -> list[Check]:
    """The packages whose versions decide whether anything works; pip has seen to their bounds."""
    found = []
    for name in ("tensorflow", "keras", "dvc", "prefect"):
        try:
            found.append(Check(name, True, version_of(name)))
        except importlib.metadata.PackageNotFoundError:
            mend = f"pip install 'ganflow[{EXTRA_OF.get(name, 'all')}]'"
            found.append(Check(name, False, "not installed", mend))
    both = {"tensorflow", "tensorflow-cpu"}
    if both <= {str(one.name) for one in importlib.metadata.distributions()}:
        mend = "pip uninstall --yes tensorflow-cpu tensorflow && pip install tensorflow"
        found.append(Check("tensorflow", False, "tensorflow-cpu has overwritten parts of it", mend))
    return found


def free_disk(project: Path) -> Check:
    free = shutil.disk_usage(project).free
    return Check(
        "free disk",
        free >= LEAST_FREE_BYTES,
        f"{free / 1e9:.1f} GB",
        f"prefect deployment run {deployment('housekeeping', 'weekly', project)} -p dry_run=false",
    )


def inputs(project: Path) -> Check:
    """Whether the first stage would start."""
    try:
        source = require_inputs(project)
    except GanflowError as error:
        return Check("parameters and data", False, error.what, error.run or "ganflow params")
    return Check("parameters and data", True, f"params.yaml is right, and {source} is there")


def require_inputs(project: Path) -> Path:
    """Check what a run begins with; `ganflow params`, the doctor and the flows all ask this.

    Returns:
        the source, relative to `project`.

    Raises:
        GanflowError: params.yaml is wrong, its data is not there or cannot be hashed by DVC, its
            own code is not there or not in dvc.yaml, or other libraries are installed than
            recorded.
    """
    params = parameters.load(project / parameters.PARAMS_FILE)
    source = RAW / params.data.source
    require(project / source)
    if (project / source).exists():
        check_source(project / source)
    require_files(own_functions(params.model, params.train), project)
    check_lock(project)
    return source


def identity(project: Path) -> Check:
    done = git.attempt("var", "GIT_COMMITTER_IDENT", cwd=project, timeout=SECONDS)
    return Check(
        "git identity",
        done.code == 0,
        done.text.rpartition(">")[0] + ">" if done.code == 0 else "none",
        'git config user.name "NAME" && git config user.email "ADDRESS"',
    )


def repository(project: Path) -> Iterator[Check]:
    """The checks that ask git; only the first where git does not take the folder."""
    whole = history(project)
    yield whole
    if whole.good or git.is_shallow(project):
        yield origin(project)
        yield tree(project)


def history(project: Path) -> Check:
    asked = git.attempt("rev-parse", "--is-shallow-repository", cwd=project, timeout=SECONDS)
    if asked.code == 0:
        shallow = asked.text.strip() == "true"
        return Check(
            "git history", not shallow, "shallow" if shallow else "whole", "git fetch --unshallow"
        )
    if trusted := git.TRUST.search(asked.errors):
        found = "a repository that belongs to another user: git and DVC do not use it"
        return Check("git history", False, found, trusted[0].strip())
    if any((folder / ".git").exists() for folder in (project, *project.parents)):
        said = [line for line in asked.errors.splitlines() if line.strip()]
        return Check("git history", False, (said or ["git gives no answer"])[0], "git status")
    begin = "git init" if (project / ".dvc").is_dir() else "git init && dvc init"
    return Check("git history", False, "no repository", begin)


def origin(project: Path) -> Check:
    known = git.attempt("remote", "get-url", "origin", cwd=project, timeout=SECONDS)
    if known.code != 0:
        return Check("git remote", False, "no `origin`", "git remote add origin ADDRESS")
    reached = git.attempt("ls-remote", "--heads", "origin", cwd=project, timeout=SECONDS)
    return Check(
        "git remote",
        reached.code == 0,
        "origin answers" if reached.code == 0 else "origin does not answer",
        "git ls-remote origin (it must not ask for a password)",
    )


def tree(project: Path) -> Check:
    asked = git.attempt("status", "--porcelain", cwd=project, timeout=SECONDS)
    changed = asked.text.splitlines()
    found = f"{len(changed)} uncommitted changes" if changed else "clean"
    return Check(
        "working tree",
        asked.code == 0 and not changed,
        found if asked.code == 0 else "git does not say",
        "git commit (a retraining starts from what is pushed)" if changed else "git status",
        needed=False,
    )


def storage(project: Path) -> Check:
    listed = dvc.attempt("remote", "list", cwd=project, timeout=SECONDS)
    if listed.code:
        mend = "dvc remote list" if (project / ".dvc").is_dir() else "dvc init"
        return Check("DVC remote", False, listed.said("ERROR: ") or "DVC gives no answer", mend)
    names = ", ".join(line.split()[0] for line in listed.text.splitlines() if line.strip())
    return Check(
        "DVC remote",
        bool(names),
        names or "none is set: nobody else could get the model",
        "dvc remote add --default storage s3://BUCKET/PATH (or a folder)",
    )


def answering(project: Path) -> Iterator[Check]:
    """Whether there is a DVC remote, and whether it answers."""
    remote = storage(project)
    yield remote
    if not remote.good:
        return
    asked = dvc.attempt("data", "status", "--not-in-remote", "--json", cwd=project, timeout=SECONDS)
    late = asked.code == commands.TIMED_OUT  # a large store, perhaps: no reason not to try
    yield Check(
        "DVC storage",
        asked.code == 0,
        "answers" if asked.code == 0 else asked.said("ERROR: "),
        "dvc data status --not-in-remote (with the worker's own account)",
        needed=not late,
    )


def processor() -> Check:
    """GPUs and processors, found without starting TensorFlow."""
    devices = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    seen = f"{len(devices)} GPUs" if devices else f"no GPU; {threads} processors"
    return Check("processor", True, seen, needed=False)


def orchestration(project: Path) -> Iterator[Check]:
    """Prefect's server and a worker, asked through the `prefect` command."""
    pool = work_pool(project)
    listed = _prefect("work-pool", "inspect", pool, "-o", "json", project=project)
    start = "prefect server start, and prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api"
    if listed.code != 0:
        reached = _prefect("work-pool", "ls", project=project).code == 0
        yield Check(
            "Prefect server", reached, "answers" if reached else "does not answer", start, False
        )
        if reached:
            mend = f"prefect work-pool create {pool} --type process"
            yield Check("work pool", False, f"no pool `{pool}`", mend, False)
        return
    yield Check("Prefect server", True, "answers", start, False)
    yield from authentication(project)
    status = json.loads(listed.text)["status"]
    yield Check(
        "worker",
        status == "READY",
        "online" if status == "READY" else f"pool {pool} is {status}",
        f"prefect worker start --pool {pool} --type process",
        False,
    )


def authentication(project: Path) -> Iterator[Check]:
    """Whether a server that other machines can reach requires authentication.

    Prefect's page and API can do anything that the worker can.
    """
    shown = json.loads(_prefect("config", "view", "-o", "json", project=project).text)["settings"]
    address = next(setting["value"] for setting in shown if setting["name"] == "PREFECT_API_URL")
    if not is_loopback(urllib.parse.urlsplit(address).hostname or ""):
        open_to_all = answers_strangers(address)
        yield Check(
            "API authentication",
            not open_to_all,
            "anybody who reaches the server can use it" if open_to_all else "asked for",
            'PREFECT_SERVER_API_AUTH_STRING="USER:PASSWORD" for the server, '
            "PREFECT_API_AUTH_STRING for its clients",
            False,
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def answers_strangers(address: str) -> bool:
    """Whether the API lists its work pools without authentication."""
    request = urllib.request.Request(
        f"{address.rstrip('/')}/work_pools/filter",
        data=b"{}",
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _prefect(*arguments: str, project: Path) -> commands.CommandResult:
    return commands.attempt(
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        cwd=project,
        timeout=SECONDS,
        # A question about the server must not start one.
        environment={"PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false"},
    )
