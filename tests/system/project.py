"""This project in miniature, for real: its own stages and flows, on 1,797 digits of 8×8 pixels."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from ganflow.config import params as parameters
from tests.flows.conftest import IDENTITY, ROOT, dvc, run

AS_TESTER = ("git", "-c", "user.name=A Tester", "-c", "user.email=tester@example.org")

SMALL = {
    "runtime.threads": 1,
    "data.source": "digits",
    "extractor.features": 16,
    "extractor.epochs": 1,
    "train.images": 640,
    "train.snapshots": 2,
    "evaluation.baseline_draws": 3,
    # What is proven here is the way, not the model.
    "gate.limits": {"fd.value": {"least": 0}},
    "gate.compare": {},
}


def write_project(folder: Path) -> None:
    """Copy what git has of this project, and make it small; nothing is run."""
    listed = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    for name in filter(None, listed):
        if not name.startswith(("data/", "dvc.lock", "tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    raw = folder / "data/raw/digits"
    raw.mkdir(parents=True)
    found = load_digits()
    np.save(raw / "images.npy", np.round(found.images * 255 / 16).astype(np.uint8))
    np.save(raw / "labels.npy", found.target.astype(np.int64))
    inception = ROOT / "data/raw/inception"
    if inception.exists():
        shutil.copytree(inception, folder / "data/raw/inception")
    parameters.edit(SMALL, folder / "params.yaml")


def publish(folder: Path, origin: Path, remote: dict[str, str]) -> None:
    """Make it a repository with all its results, pushed to a bare `origin` and a DVC remote."""
    run("git", "init", "--quiet", "--initial-branch=main", cwd=folder)
    shutil.rmtree(folder / ".dvc/cache", ignore_errors=True)
    dvc("remote", "add", "--default", "storage", remote["url"], cwd=folder)
    for key, value in remote.items():
        if key != "url":
            dvc("remote", "modify", "storage", key, value, cwd=folder)
    run("git", "add", "--all", cwd=folder)
    dvc("repro", "--quiet", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", "commit", "--quiet", "--message=First", cwd=folder)
    run("git", "clone", "--quiet", "--bare", str(folder), str(origin), cwd=folder.parent)
    run("git", "remote", "add", "origin", str(origin), cwd=folder)
    run("git", "fetch", "--quiet", "origin", cwd=folder)
    dvc("push", "--quiet", "--run-cache", cwd=folder)


def environment() -> dict[str, str]:
    """What git, DVC and the stages need, and nothing of the caller's Prefect."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    return {
        **kept,
        **IDENTITY,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "DO_NOT_TRACK": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def ganflow(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """The project's own command line, from its own source."""
    return subprocess.run(
        [sys.executable, "-m", "ganflow", *words],
        cwd=cwd,
        env={**environment(), "PYTHONPATH": str(cwd / "src")},
        text=True,
        capture_output=True,
        check=False,
    )
