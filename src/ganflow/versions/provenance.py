"""Which commit, data and parameters the model had that a file was made with."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from ganflow.base.errors import DataError, GanflowError
from ganflow.base.paths import MODEL, RAW
from ganflow.base.recorded import hash_in
from ganflow.marks import Mark, read_mark
from ganflow.versions import git
from ganflow.versions.reading import file_at

LOCK = Path("dvc.lock")


@dataclass(frozen=True)
class Provenance:
    """Where a file is from.

    Attributes:
        file: the one whose mark was read.
        unchanged: whether it is as it was written.
        card: SHA-256 of the model's card.
        commit: the first that has the model; None for a model that is not committed.
        data: the hashes that DVC gives the raw data, by its paths.
        parameters: of the model's stages.
    """

    file: str
    unchanged: bool
    card: str
    commit: str | None
    data: dict[str, str]
    parameters: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def provenance(path: Path, project: Path) -> Provenance:
    """Find the model of a file, or of a folder with a file, that ganflow wrote.

    Raises:
        DataError: there is no such file, or it has no mark.
        GanflowError: no commit of this repository has the model.
    """
    file, mark = _marked(path)
    commit = _first_commit(mark.folder, project)
    lock = yaml.safe_load(file_at(LOCK, commit, project) or b"{}")
    if (hash_in(lock, MODEL) or "").removesuffix(".dir") != mark.folder:
        raise GanflowError(
            f"no commit here has the model that {file.name} was made with",
            where=f"its card has the SHA-256 {mark.card}",
            expected="a file of this repository, with all of its history",
            run="git fetch --all --tags (and --unshallow in a shallow clone), or ask its project",
        )
    stages = lock["stages"]
    data = {
        dep["path"]: str(dep.get("md5"))
        for stage in stages.values()
        for dep in stage.get("deps", [])
        if Path(dep["path"]).is_relative_to(RAW)
    }
    parameters: dict[str, Any] = {}
    for name in ("prepare", "extractor", "train"):
        parameters |= stages.get(name, {}).get("params", {}).get("params.yaml", {})
    return Provenance(str(file), mark.unchanged, mark.card, commit, data, parameters)


def _first_commit(model: str, project: Path) -> str | None:
    """The oldest commit whose dvc.lock came to name the model; None if none did."""
    options = ("--all", "--reverse", "--format=%H", f"-S{model}.dir")
    commits = git.run("log", *options, "--", str(LOCK), cwd=project).split()
    return commits[0] if commits else None


def _marked(path: Path) -> tuple[Path, Mark]:
    """The first file with a mark, and that mark."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        try:
            mark = read_mark(file.read_bytes())
        except FileNotFoundError:
            raise DataError("there is no such file", where=str(path)) from None
        if mark:
            return file, mark
    raise DataError(
        "nothing in it says which model made it",
        where=str(path),
        expected="a file as `ganflow generate`, `ganflow export` or the studio wrote it",
        run="ganflow generate or ganflow export, to make it anew",
    )


def in_words(found: Provenance) -> Iterator[str]:
    """The lines that the command prints."""
    if not found.unchanged:
        yield f"{found.file} was changed after it was written. What it was made with:"
    yield f"model card  SHA-256 {found.card}"
    yield f"commit      {found.commit or 'none yet: the model is in the working tree'}"
    for path, md5 in found.data.items():
        yield f"data        {path}, MD5 {md5}"
    text = yaml.safe_dump(found.parameters, sort_keys=False, default_flow_style=None, width=88)
    yield "parameters"
    yield from (f"  {line}" for line in text.splitlines())
    if found.commit:
        yield f"to have the model: git checkout {found.commit[:12]} && dvc checkout data/model"
