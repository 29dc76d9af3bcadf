"""`ganflow init`: the stages, the flows and the workflow in a repository of one's own."""

import contextlib
import fcntl
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ganflow.base.errors import GanflowError
from ganflow.base.files import FULL, FullError
from ganflow.base.paths import RAW
from ganflow.config import params as parameters
from ganflow.config.recipe import write_recipe
from ganflow.data.preview import show
from ganflow.extras import require
from ganflow.stages import lock
from ganflow.stages.lock import LOCK
from ganflow.template import fork
from ganflow.template.files import EXTENDED, KEPT, WORKFLOW, add_lines, project_files, project_name
from ganflow.versions import dvc, git

SHEET = Path(".ganflow/data.png")
"""The contact sheet of the data."""

IMAGES = "images"
"""The source's name where no data are given."""

_CLONE = 0x40049409
"""FICLONE of linux/fs.h: let two files share their blocks on disk."""


def init(folder: Path, data: Path | None, recipe: str | None, *, with_git: bool) -> list[str]:
    """Write a project into `folder`, which may be a repository already.

    Everything is made in a temporary folder beside it first, so a failure leaves nothing behind.
    A fork of ganflow's repository becomes a project (`ganflow.template.fork`).

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
    _check_programs(with_git)
    if fork.is_fork(folder):
        return fork.convert(folder, data, recipe)
    if data:
        _check_data(data, folder)
    source = source_name(data.resolve()) if data else IMAGES
    files = project_files(project_name(folder), source)
    in_place = data is not None and data.resolve() == folder / RAW / source
    check_conflicts(folder, files if not data or in_place else {**files, f"{RAW}/{source}": ""})
    folder.parent.mkdir(parents=True, exist_ok=True)
    is_new = not folder.exists()
    with _undone_if_it_fails(folder, [*files, *_made_besides(source)]):
        with tempfile.TemporaryDirectory(prefix=".ganflow-", dir=folder.parent) as name:
            draft = Path(name) / folder.name
            for path, text in files.items():
                (draft / path).parent.mkdir(parents=True, exist_ok=True)
                (draft / path).write_text(text)
            params = draft / parameters.PARAMS_FILE
            parameters.edit({"data.source": source}, params)
            if recipe:
                write_recipe(recipe, params)
            lock.record(draft)
            if data:
                raw = folder / RAW if in_place else draft / RAW
                if not in_place:
                    copy(data.resolve(), raw / source)
                show(parameters.load(params).data, raw, draft / SHEET)
            said = [] if is_new else _place(draft, folder)
            if is_new:
                draft.rename(folder)
        said += [f"contact sheet: {os.path.relpath(folder / SHEET)}"] if data else []
        said += _under_dvc(folder, source if data else None, with_git)
    return [*said, *_next_steps(folder, data, source)]


def _made_besides(source: str) -> list[str]:
    """What is made besides the project's files, relative to the project."""
    return [
        str(LOCK),
        ".dvc",
        ".dvcignore",
        str(SHEET),
        *(f"{RAW}/{name}" for name in (source, f"{source}.dvc", ".gitignore")),
    ]


@contextlib.contextmanager
def _undone_if_it_fails(folder: Path, names: Iterable[str]) -> Iterator[None]:
    """Put files of `folder` back as they were if the block fails, or remove it if it is new.

    Args:
        names: what the block may write, relative to `folder`; a folder that is there is kept.

    Raises:
        FullError: in place of an `OSError` that says that the disk is full.
    """
    is_new = not folder.exists()
    paths = [folder / name for name in names]
    before = {path: path.read_bytes() for path in paths if path.is_file()}
    missing = [path for path in paths if not path.exists()]
    above = {top for path in missing for top in path.parents if not top.exists()}
    try:
        yield
    except BaseException as error:
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            for path in [*missing, *sorted(above, reverse=True)]:
                _remove(path)
            for path, content in before.items():
                path.write_bytes(content)
            git.attempt("reset", "--quiet", "--", ".dvc", ".dvcignore", cwd=folder)
        if isinstance(error, OSError) and error.errno in FULL and not isinstance(error, FullError):
            raise FullError(folder, error) from None
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _check_programs(with_git: bool) -> None:
    """Check that DVC and git can be started, before anything is written."""
    require("dvc")
    if with_git:
        git.run(
            "--version",
            cwd=Path.cwd(),
            what="git cannot be started",
            remedy="install git, or ganflow init --no-git",
        )


def _check_data(data: Path, folder: Path) -> None:
    """Check that data can be copied into a project.

    Raises:
        GanflowError: they hold the project, or links that cannot be followed.
    """
    if folder.is_relative_to(data.resolve()):
        raise GanflowError(
            "the project would lie inside the data that it is to copy",
            where=str(folder),
            expected=f"a folder that is not below {data.resolve()}",
            run=f"cd {shlex.quote(str(data.resolve().parent))} && "
            f"ganflow init NAME --data {shlex.quote(str(data.resolve()))}",
        )
    if data.is_dir():
        _check_links(data, frozenset(data.resolve().parents))


def _check_links(folder: Path, above: frozenset[Path]) -> None:
    """Check that each link has a target, and that no link leads up, which has no end."""
    above |= {folder.resolve()}
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            path = Path(entry.path)
            wrong = ""
            if entry.is_symlink():
                wrong = "leads up" if path.resolve() in above else ""
                wrong = wrong if path.exists() else "leads nowhere"
            if wrong:
                raise GanflowError(
                    f"a link {wrong}: {path.readlink()}",
                    where=str(path),
                    expected="links to pictures, or to folders that do not hold the link",
                    run=f"rm {shlex.quote(str(path))}, then ganflow init again",
                )
            if entry.is_dir():
                _check_links(path, above)


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
    """Whether something else is at a path."""
    return path.is_dir() or (path.exists() and path.read_text(errors="replace") != text)


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
            said.append(add_lines(target, path.read_text()))
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
        _dvc("init", *scm, cwd=folder)
    if source:
        _dvc("add", str(RAW / source), cwd=folder)  # --quiet would hide the error
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
