"""`ganflow init`: the stages, the flows and the workflow in a repository of one's own."""

import contextlib
import fcntl
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path
from string import Template

import ganflow
from ganflow.base.errors import GanflowError
from ganflow.base.files import FULL, FullError
from ganflow.base.paths import RAW
from ganflow.config import params as parameters
from ganflow.config.recipe import write_recipe
from ganflow.data.preview import show
from ganflow.stages import lock
from ganflow.stages.lock import LOCK
from ganflow.template import PROJECT, REPOSITORY
from ganflow.versions import dvc, git

COPIED = (
    ".gitattributes",
    ".gitignore",
    "prefect.toml",
    *(f"flows/{name}.py" for name in ("housekeeping", "pipeline", "retrain", "sweep", "watch")),
)
WORKFLOW = ".github/workflows/pull-request.yml"
EXTENDED = (".gitattributes", ".gitignore", "requirements.txt")
"""Files to which lines are added where a repository has its own."""

KEPT = ("README.md", "Makefile")
"""Files that stay as they are where a repository has its own."""

SHEET = Path(".ganflow/data.png")
"""The contact sheet of the data."""

IMAGES = "images"
"""The source's name where no data are given."""

_CLONE = 0x40049409
"""FICLONE of linux/fs.h: let two files share their blocks on disk."""


def init(folder: Path, data: Path | None, recipe: str | None, *, with_git: bool) -> list[str]:
    """Write a project into `folder`, which may be a repository already.

    Everything is made in a temporary folder beside it first, so a failure leaves nothing behind.

    Args:
        data: a folder, archive or array file of images, which is copied to data/raw.
        recipe: the name of a recipe to write into params.yaml.
        with_git: whether to make a repository and a first commit where there is none.

    Returns:
        lines that say what was left as it was, and what to do next.

    Raises:
        GanflowError: the data cannot be used, or files of `folder` are in the way.
    """
    folder = folder.resolve()
    if data and folder.is_relative_to(data.resolve()):
        raise GanflowError(
            "the project would lie inside the data that it is to copy",
            where=str(folder),
            expected=f"a folder that is not below {data.resolve()}",
            run=f"cd {shlex.quote(str(data.resolve().parent))} && "
            f"ganflow init NAME --data {shlex.quote(str(data.resolve()))}",
        )
    source = source_name(data.resolve()) if data else IMAGES
    files = project_files(project_name(folder), source)
    check_conflicts(folder, files)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".ganflow-", dir=folder.parent) as name:
            draft = Path(name)
            for path, text in files.items():
                (draft / path).parent.mkdir(parents=True, exist_ok=True)
                (draft / path).write_text(text)
            params = draft / parameters.PARAMS_FILE
            parameters.edit({"data.source": source}, params)
            if recipe:
                write_recipe(recipe, params)
            lock.record(draft)
            if data:
                copy(data.resolve(), draft / RAW / source)
                with contextlib.chdir(draft):  # the paths that it shows are the project's
                    show(parameters.load(params).data, RAW, SHEET)
            said = _place(draft, folder)
    except OSError as error:
        if error.errno in FULL and not isinstance(error, FullError):
            raise FullError(folder, error) from None
        raise
    said += _under_dvc(folder, source if data else None, with_git)
    return [*said, *_next_steps(folder, data, source)]


def project_name(folder: Path) -> str:
    """The folder's name as a name for Prefect: letters, digits, dots, dashes, underscores."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("-.") or "project"


def source_name(data: Path) -> str:
    """The name below data/raw for the data at a path.

    Raises:
        GanflowError: nothing is there.
    """
    if not data.exists():
        raise GanflowError(
            "there are no data",
            where=str(data),
            expected="a folder of pictures, an archive, or a file of arrays",
            run="ganflow init NAME --data FOLDER",
        )
    return re.sub(r"[^A-Za-z0-9._-]+", "-", data.name).lstrip("-._") or IMAGES


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


def stages_file() -> str:
    """dvc.yaml with the hash of each stage's code as a parameter, in place of files of code."""
    lines, stage = [], ""
    for line in (REPOSITORY / "dvc.yaml").read_text().splitlines():
        if found := re.fullmatch(r"  (\w+):", line):
            stage = found[1]
        if line.startswith(f"      - {lock.CODE}/"):
            continue
        line = line.replace("cmd: PYTHONPATH=src python", "cmd: python")
        lines.append(line.replace(f"- {LOCK}: [", f"- {LOCK}: [{stage}, "))
    text = "\n".join(lines[lines.index("stages:") :]) + "\n"
    return (
        "# What is built from what. `dvc repro` runs the stages whose inputs changed, `dvc dag`\n"
        "# draws them. The code of a stage is in ganflow.lock, as a hash.\n" + text
    )


def deployments_file(name: str) -> str:
    """prefect.yaml with a work pool and deployments of the project's own name.

    Projects may share a server, and a worker must find its own project's environment.
    """
    text = (REPOSITORY / "prefect.yaml").read_text()
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


def requirement() -> str:
    """How pip installs the ganflow that runs: from the address it came from, if it is a git one."""
    name = "ganflow[all]"
    origin = importlib.metadata.distribution("ganflow").read_text("direct_url.json")
    came = json.loads(origin or "{}")
    if "vcs_info" in came:
        vcs = came["vcs_info"]
        return f"{name} @ {vcs['vcs']}+{came['url']}@{vcs['commit_id']}"
    return f"{name}=={ganflow.__version__}"


def check_conflicts(folder: Path, files: dict[str, str]) -> None:
    """Check that nothing would be overwritten.

    Raises:
        GanflowError: with every file that is in the way.
    """
    fixed = {path: text for path, text in files.items() if path not in (*EXTENDED, *KEPT)}
    fixed.pop(str(parameters.PARAMS_FILE), None)
    taken = [p for p, text in fixed.items() if _other(folder / p, text)]
    taken += [p for p in (str(parameters.PARAMS_FILE), str(LOCK)) if (folder / p).exists()]
    if folder.exists() and not folder.is_dir():
        taken = [folder.name]
    if taken:
        raise GanflowError(
            f"already there: {', '.join(sorted(taken))}",
            where=str(folder),
            expected="a new folder, or a repository without these files",
            run="git mv each to another name, or ganflow init in a new folder",
        )


def _other(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(errors="replace") != text


def copy(data: Path, target: Path) -> None:
    """Copy a file or a folder, sharing its blocks on disk where the file system can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if data.is_dir():
        shutil.copytree(data, target, copy_function=_copy_file)
    else:
        _copy_file(str(data), str(target))


def _copy_file(source: str, target: str) -> str:
    try:
        with open(source, "rb") as old, open(target, "wb") as new:  # noqa: PTH123
            fcntl.ioctl(new, _CLONE, old.fileno())
        shutil.copystat(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _place(draft: Path, folder: Path) -> list[str]:
    """Move a project's files from its draft; returns what was left as it was."""
    said = []
    for path in sorted(p for p in draft.rglob("*") if p.is_file() or p.is_symlink()):
        name = path.relative_to(draft).as_posix()
        target = folder / name
        if target.exists() and name in KEPT:
            said.append(f"{name} stays as it was")
        elif target.exists() and name in EXTENDED:
            known = target.read_text().splitlines()
            more = [line for line in path.read_text().splitlines() if line not in known]
            target.write_text("\n".join([*known, *more]) + "\n")
            said.append(f"{name}: {len(more)} lines added")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    return said


def _under_dvc(folder: Path, source: str | None, with_git: bool) -> list[str]:
    """Make it a repository of git and DVC, track the data, and commit, where that is asked for."""
    inside = git.attempt("rev-parse", "--show-toplevel", cwd=folder)
    existing = inside.code == 0
    top = not existing or Path(inside.text.strip()) == folder
    if with_git and not existing:
        git.run("init", "--quiet", "--initial-branch=main", cwd=folder)
    if not (folder / ".dvc").is_dir():
        scm = ["--no-scm"] if not (with_git or existing) else [] if top else ["--subdir"]
        _dvc("init", "--quiet", *scm, cwd=folder)
    if source:
        _dvc("add", "--quiet", str(RAW / source), cwd=folder)
    if existing:
        below = [] if top else [f"{WORKFLOW}: move it to the repository's top, to have it run"]
        return [*below, "git add --all && git commit keeps the new files"]
    if not with_git:
        return []
    git.run("add", "--all", cwd=folder)
    done = git.attempt("commit", "--quiet", "--message=Begin with ganflow", cwd=folder)
    if done.code:
        return ["not committed, as git knows no name and address: git config user.name NAME"]
    return []


def _dvc(*arguments: str, cwd: Path) -> None:
    done = dvc.attempt(*arguments, cwd=cwd)
    if done.code:
        raise done.error(f"dvc {arguments[0]} failed", cwd=cwd, remedy="dvc doctor")


def _next_steps(folder: Path, data: Path | None, source: str) -> list[str]:
    missing = f"copy your images to {folder / RAW / source}, then: dvc add {RAW / source}"
    place = os.path.relpath(folder)
    go = f"cd {shlex.quote(f'./{place}' if place[0] == '-' else place)} && "
    return [
        f"{folder} is a project",
        *([] if data else [missing]),
        f"next: {'' if place == '.' else go}dvc repro",
    ]
