"""The files of a project of one's own, most of them made from this repository's."""

import importlib.metadata
import json
import re
from pathlib import Path
from string import Template

import ganflow
from ganflow.base.files import write_text
from ganflow.stages import lock
from ganflow.stages.lock import LOCK
from ganflow.template import PROJECT, REPOSITORY

COPIED = (
    ".gitattributes",
    ".gitignore",
    "prefect.toml",
    *(f"flows/{name}.py" for name in ("housekeeping", "pipeline", "retrain", "search", "watch")),
)
WORKFLOW = ".github/workflows/pull-request.yml"
EXTENDED = (".gitattributes", ".gitignore", "requirements.txt")
"""Files to which lines are added where a repository has its own."""

KEPT = ("README.md", "Makefile")
"""Files that stay as they are where a repository has its own."""


def project_name(folder: Path) -> str:
    """The folder's name as a name for Prefect: letters, digits, dots, dashes, underscores."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("-.") or "project"


def project_files(name: str, source: str) -> dict[str, str]:
    """The text of each file of a project, by its path."""
    found = {path: (REPOSITORY / path).read_text() for path in COPIED}
    found |= {path.name: path.read_text() for path in sorted(PROJECT.iterdir())}
    readme = Template(found["README.md"])
    return found | {
        # `evaluate` depends on this folder
        "data/raw/inception/README.md": "Weights for `evaluation.features: inception` go here.\n",
        "README.md": readme.substitute(name=name, source=source, pool=name),
        "dvc.yaml": stages_file(),
        "params.yaml": (REPOSITORY / "params.yaml").read_text(),
        "prefect.yaml": deployments_file(name),
        "requirements.txt": f"{requirement()}\n",
        WORKFLOW: workflow_file(),
    }


def stages_file(repository: Path = REPOSITORY) -> str:
    """dvc.yaml with the hash of each stage's code as a parameter, in place of files of code.

    Args:
        repository: a clone or a fork of ganflow's repository, whose dvc.yaml it is made from.
    """
    lines, stage = [], ""
    for line in (repository / "dvc.yaml").read_text().splitlines():
        if found := re.fullmatch(r"  (\w+):", line):
            stage = found[1]
        if line.startswith(f"      - {lock.CODE}/"):
            continue
        line = line.replace("cmd: PYTHONPATH=src python -m ganflow", "cmd: python -m ganflow")
        lines.append(line.replace(f"- {LOCK}: [", f"- {LOCK}: [{stage}, "))
    while lines[0].startswith("#"):
        del lines[0]
    return "\n".join(
        [
            "# What is built from what. `dvc repro` runs the stages whose inputs changed, and",
            "# `dvc dag` draws them. The code of a stage is in ganflow.lock, as a hash.",
            *lines,
            "",
        ]
    )


def deployments_file(name: str, repository: Path = REPOSITORY) -> str:
    """prefect.yaml with a work pool and deployments of the project's own name.

    Projects may share a server, and a worker must find its own project's environment.
    """
    text = (repository / "prefect.yaml").read_text()
    text = re.sub(r"(?m)^( *(?:- )?)name: (ganflow)$", rf"\1name: {name}", text)
    text = re.sub(r"(?m)^- name: (.+)$", rf"- name: {name}-\1", text)
    text = re.sub(r"(deployment: \w+/)", rf"\1{name}-", text)
    text = text.replace("work-pool create ganflow", f"work-pool create {name}")
    text = text.replace("--pool ganflow", f"--pool {name}")
    text = text.replace("run pipeline/local", f"run pipeline/{name}-local")
    text = text.replace("ganflow.data.ganflow/*", f"ganflow.data.{name}/*")
    return text.replace(
        "src/ganflow/orchestration/automations.yaml", "python -m ganflow.orchestration.alerts"
    )


def workflow_file() -> str:
    """The pull-request workflow, which installs ganflow and runs no tests of it."""
    text = (REPOSITORY / WORKFLOW).read_text()
    return text.replace(
        "      - name: Tests\n        run: make test\n",
        "      - name: Parameters, and versions against ganflow.lock\n"
        "        run: |\n"
        "          python -m venv .venv && . .venv/bin/activate\n"
        "          pip install --quiet -r requirements.txt\n"
        "          ganflow params\n",
    ).replace("requirements*.lock", "requirements.txt")


def requirement(name: str = "ganflow[all]") -> str:
    """How pip installs the ganflow that runs: from the address it came from, if it is a git one."""
    origin = importlib.metadata.distribution("ganflow").read_text("direct_url.json")
    came = json.loads(origin or "{}")
    if "vcs_info" in came:
        vcs = came["vcs_info"]
        return f"{name} @ {vcs['vcs']}+{came['url']}@{vcs['commit_id']}"
    return f"{name}=={ganflow.__version__}"


def add_lines(path: Path, text: str) -> str:
    """Add the lines of `text` that a file does not have; returns what was done."""
    known = path.read_text().splitlines()
    more = [line for line in text.splitlines() if line not in known]
    write_text(path, "\n".join([*known, *more]) + "\n")
    return f"{path.name}: {len(more)} line{'' if len(more) == 1 else 's'} added"
