"""DVC versions the data: what was added, built and pushed comes back by `dvc pull` alone.

The project is this one: its dvc.yaml, parameters and code. `prepare` is really run; the other
stages' outputs are stand-ins that `dvc commit` records, so that no training is needed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

PROJECT = Path(__file__).parents[2]
BUCKET = "ganflow-test"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    return {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": "src",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(home / "site"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.com",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def call(environment: dict[str, str], cwd: Path, *command: str) -> str:
    ended = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout + ended.stderr


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "data").rglob("*"))
        if path.is_file() and path.name != ".gitignore"
    }


def other_sources() -> set[str]:
    """Folders of data/raw, in git, that stages read beside the source of the images."""
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"].values()
    deps = {dep for stage in stages for dep in stage["deps"]}
    return {dep for dep in deps if dep.startswith("data/raw/") and "$" not in dep}


def outputs() -> dict[str, list[str]]:
    """Each stage's outputs, as dvc.yaml declares them."""
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
    return {
        name: [
            next(iter(out)) if isinstance(out, dict) else out
            for kind in ("outs", "metrics", "plots")
            for out in stage.get(kind, ())
        ]
        for name, stage in stages.items()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A project whose data is a folder that `dvc add` tracks, with every stage's outputs."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("src", "flows"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, folder / name, ignore=ignore)
    for name in ("dvc.yaml", "params.yaml", "ganflow.lock", ".dvcignore", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder)
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params.setdefault("data", {})["source"] = "pictures"
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    for source in other_sources():
        shutil.copytree(PROJECT / source, folder / source)
    rng = np.random.default_rng(0)
    for number in range(60):
        place = folder / "data" / "raw" / "pictures" / f"class{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")
    call(environment, folder, "git", "init", "-q")
    call(environment, folder, "dvc", "init", "-q")
    call(environment, folder, "dvc", "add", "-q", "data/raw/pictures")
    call(environment, folder, "dvc", "repro", "-q", "prepare")
    for stage, outs in outputs().items():
        if stage == "prepare":
            continue
        for out in outs:
            path = folder / out
            if not path.suffix:
                path /= "stand-in"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"what {stage} would have made")
        call(environment, folder, "dvc", "commit", "-q", "--force", stage)
    call(environment, folder, "git", "add", "-A")
    call(environment, folder, "git", "commit", "-qm", "everything")
    return folder


def clone_and_pull(
    built: Path, tmp_path: Path, environment: dict[str, str], remote: dict[str, str]
) -> None:
    """Push to a remote, clone, pull: every artifact is there, and nothing is left to run."""
    call(environment, built, "dvc", "remote", "add", "-q", "-d", "-f", "away", remote.pop("url"))
    for key, value in remote.items():
        call(environment, built, "dvc", "remote", "modify", "-q", "away", key, value)
    call(environment, built, "git", "commit", "-qam", "remote", "--allow-empty")
    call(environment, built, "dvc", "push", "-q")
    clone = tmp_path / "clone"
    call(environment, tmp_path, "git", "clone", "-q", str(built), str(clone))
    assert not (clone / "data" / "prepared").exists()
    assert not (clone / "data" / "raw" / "pictures").exists()
    call(environment, clone, "dvc", "pull", "-q")
    assert hashes(clone) == hashes(built)
    assert {out for outs in outputs().values() for out in outs} <= {
        str(path.relative_to(clone)) for path in (clone / "data").rglob("*")
    }
    assert "up to date" in call(environment, clone, "dvc", "status")


def test_a_local_remote_gives_everything_back(
    built: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    clone_and_pull(built, tmp_path, environment, {"url": str(tmp_path / "remote")})


@pytest.fixture
def s3() -> Iterator[str]:
    """The address of moto's S3 server on loopback, with an empty bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(Bucket=BUCKET)
    yield address
    server.stop()


def test_an_s3_remote_gives_everything_back(
    built: Path, tmp_path: Path, environment: dict[str, str], s3: str
) -> None:
    remote = {"url": f"s3://{BUCKET}/cache", "endpointurl": s3}
    clone_and_pull(built, tmp_path, environment, remote)


def test_changed_pictures_are_prepared_again_and_only_then(
    built: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy, symlinks=True)
    before = (copy / "dvc.lock").read_bytes()
    call(environment, copy, "dvc", "repro", "-q", "prepare")
    assert (copy / "dvc.lock").read_bytes() == before
    added = copy / "data" / "raw" / "pictures" / "class0" / "new.png"
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(added)
    call(environment, copy, "dvc", "add", "-q", "data/raw/pictures")
    call(environment, copy, "dvc", "repro", "-q", "prepare")
    assert (copy / "dvc.lock").read_bytes() != before
    assert hashes(copy)["data/prepared/dataset.json"] != hashes(built)["data/prepared/dataset.json"]
