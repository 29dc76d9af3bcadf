"""Projects in miniature, for real: all stages and flows, on 1,797 digits of 8×8 pixels."""

import shutil
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from ganflow.config import params as parameters
from tests.flows.conftest import ROOT, run
from tests.system.installed import Installed

SMALL = {
    "runtime.threads": 1,
    "data.source": "digits",
    "extractor.features": 16,
    "extractor.epochs": 4,  # with fewer it misses planted faults on some processors
    "train.images": 640,
    "train.snapshots": 2,
    "evaluation.baseline_draws": 3,
    # What is proven here is the way, not the model.
    "gate.limits": {"fd.value": {"least": 0}},
    "gate.compare": {},
    "gate.classes": False,
}


def write_digits(folder: Path) -> None:
    """Write the digits as arrays."""
    folder.mkdir(parents=True)
    found = load_digits()
    np.save(folder / "images.npy", np.round(found.images * 255 / 16).astype(np.uint8))
    np.save(folder / "labels.npy", found.target.astype(np.int64))


def write_project(folder: Path) -> None:
    """Copy what git has of this checkout, and make it small; nothing is run.

    For tests that change the code of the stages.
    """
    listed = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    for name in filter(None, listed):
        if not name.startswith(("data/", "dvc.lock", "tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    write_digits(folder / "data/raw/digits")
    inception = ROOT / "data/raw/inception"
    if inception.exists():
        shutil.copytree(inception, folder / "data/raw/inception")
    parameters.edit(SMALL, folder / "params.yaml")


def init_project(folder: Path, installed: Installed) -> None:
    """Make a project of the digits with `ganflow init`, and make it small; no stage is run."""
    write_digits(folder.parent / "digits")
    installed.run("ganflow", "init", folder.name, "--data", "digits", cwd=folder.parent)
    parameters.edit(SMALL, folder / "params.yaml")


def publish(folder: Path, origin: Path, remote: dict[str, str], installed: Installed) -> None:
    """Run the stages; push all results to a bare `origin` and to a DVC remote."""

    def do(*command: str) -> None:
        installed.run(*command, cwd=folder)

    do("dvc", "remote", "add", "--default", "storage", remote["url"])
    for key, value in remote.items():
        if key != "url":
            do("dvc", "remote", "modify", "storage", key, value)
    do("dvc", "repro", "--quiet")
    do("git", "add", "--all")
    do("git", "commit", "--quiet", "--message=First")
    do("git", "clone", "--quiet", "--bare", ".", str(origin))
    do("git", "remote", "add", "origin", str(origin))
    do("git", "fetch", "--quiet", "origin")
    do("dvc", "push", "--quiet", "--run-cache")
