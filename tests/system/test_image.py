"""The image of the Dockerfile: built on Debian alone, and used as Prefect's Docker worker would.

There is no container engine here that can isolate; buildah's `chroot` shares the network with this
machine, so the image reaches a server on loopback.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.flows.conftest import ROOT, free_port, run, running_server

pytestmark = [pytest.mark.system, pytest.mark.image, pytest.mark.timeout(3000)]

BUILDAH = ("buildah", "--storage-driver", "vfs")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LARGEST = 2_250_000_000
USER = 1000


@dataclass
class Container:
    """A container of the image, whose volume is the folder `volume`."""

    name: str
    volume: Path
    start = (*BUILDAH, "run", "--isolation", "chroot")

    def run(self, *command: str, folder: str = "/srv/ganflow", **environment: str) -> str:
        """Run a command as the image's user; it has to succeed."""
        done = self.attempt(*command, folder=folder, **environment)
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def attempt(
        self, *command: str, folder: str = "/srv/ganflow", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        variables = [f"--env={name}={value}" for name, value in environment.items()]
        place = ("--workingdir", folder, "--volume", f"{self.volume}:/srv/ganflow")
        return subprocess.run(
            [*self.start, *place, *variables, self.name, "--", "tini", "--", *command],
            text=True,
            capture_output=True,
            check=False,
        )


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    folder = tmp_path_factory.mktemp("image")
    root, base, built = folder / "root", "ganflow-test-base", "ganflow-test"
    packages = "python3,python3-venv,ca-certificates"
    run("debootstrap", "--variant=minbase", f"--include={packages}", "trixie", root, cwd=folder)
    for leftovers in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / leftovers)
        (root / leftovers).mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nADD root /\n")
    isolated = ("--isolation", "chroot")
    run(*BUILDAH, "bud", *isolated, "--tag", base, ".", cwd=folder)
    # This machine's certificates, where its packages come through a proxy.
    (folder / "pip.conf").write_text(f"[global]\ncert = {CERTIFICATES}\n")
    run(
        *(*BUILDAH, "bud", *isolated, "--build-arg", f"BASE=localhost/{base}"),
        *("--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"),
        *("--volume", f"{folder / 'pip.conf'}:/etc/pip.conf:ro"),
        *("--tag", built, "."),
        cwd=ROOT,
    )
    shutil.rmtree(root)
    name = run(*BUILDAH, "from", f"localhost/{built}", cwd=folder).strip()
    (volume := folder / "volume").mkdir()
    shutil.chown(volume, USER, USER)
    yield Container(name, volume)
    run(*BUILDAH, "rm", name, cwd=folder)
    run(*BUILDAH, "rmi", built, base, cwd=folder)


@pytest.fixture(scope="module")
def project(container: Container) -> str:
    """A project that `ganflow init` has made in the container; its folder there."""
    (pictures := container.volume / "pictures").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (200, 16, 16, 3), np.uint8)
    for place, picture in enumerate(pixels):
        Image.fromarray(picture).save(pictures / f"{place}.png")
    identity = {"GIT_AUTHOR_NAME": "A Tester", "GIT_AUTHOR_EMAIL": "tester@example.org"}
    identity |= {key.replace("AUTHOR", "COMMITTER"): value for key, value in identity.items()}
    container.run("ganflow", "init", "faces", "--data", "pictures", **identity)
    return "/srv/ganflow/faces"


def test_its_size_and_its_user(container: Container) -> None:
    described = json.loads(
        run(*BUILDAH, "inspect", "--type", "image", "ganflow-test", cwd=container.volume)
    )
    assert described["OCIv1"]["config"]["User"] == f"{USER}:{USER}"
    listed = json.loads(run(*BUILDAH, "images", "--json", "ganflow-test", cwd=container.volume))
    number, unit = listed[0]["size"].split()
    assert float(number) * {"MB": 1e6, "GB": 1e9}[unit] <= LARGEST
    assert container.run("id", "-u").strip() == str(USER)
    listed = json.loads(container.run("pip", "list", "--format=json"))
    installed = {one["name"].replace("_", "-") for one in listed}
    assert "tensorflow-cpu" in installed
    assert not {"tensorflow", "pytest", "moto"} & installed


def test_a_stage_of_a_new_project(container: Container, project: str) -> None:
    container.run("dvc", "repro", "prepare", folder=project)
    card = json.loads((container.volume / "faces/data/prepared/dataset.json").read_text())
    assert sum(card["splits"].values()) == 200


def test_the_doctor(container: Container, project: str) -> None:
    done = container.attempt("ganflow", "doctor", folder=project)
    said = done.stdout + done.stderr
    assert "tensorflow" in said
    assert "Traceback" not in said


def test_a_flow_run_as_the_worker_starts_it(
    container: Container, project: str, tmp_path: Path
) -> None:
    origin = "/srv/ganflow/origin.git"
    container.run("git", "clone", "--quiet", "--bare", project, origin)
    file = "deployments/docker.yaml"
    described = yaml.safe_load((ROOT / file).read_text())["deployments"]
    (deployment,) = (found for found in described if found["name"] == "docker-weekly")
    with running_server(tmp_path, free_port()) as server:
        server.prefect("work-pool", "create", "ganflow-docker", "--type", "docker", cwd=ROOT)
        server.prefect("--no-prompt", "deploy", "--all", "--prefect-file", file, cwd=ROOT)
        found = server.ask("/deployments/name/housekeeping/docker-weekly")
        started = server.ask(f"/deployments/{found['id']}/create_flow_run", {})
        variables = {
            **deployment["work_pool"]["job_variables"]["env"],
            "GANFLOW_REPOSITORY": origin,
            "PREFECT_API_URL": server.url,
            "PREFECT__FLOW_RUN_ID": started["id"],
        }
        done = container.attempt("prefect", "flow-run", "execute", **variables)
        ended = server.ask(f"/flow_runs/{started['id']}")
    assert ended["state_type"] == "COMPLETED", done.stdout + done.stderr
    assert (container.volume / "clone/dvc.yaml").is_file()
