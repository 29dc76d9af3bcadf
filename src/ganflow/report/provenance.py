"""Where a report comes from: parameters, cards, versions of packages, hashes of the inputs."""

import hashlib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ganflow.base.files import sha256_of
from ganflow.report.compose import table
from ganflow.report.page import Provenance

PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "scipy",
    "pillow",
    "matplotlib",
    "pydantic",
    "ganflow",
)
"""Those whose version can change a result."""

COMMANDS = (
    ("make run", "installs everything, runs every stage whose inputs changed, shows this page"),
    ("dvc repro", "the same without the workflow's server"),
    ("dvc repro --force", "runs every stage again; the bytes stay the same"),
    ("dvc metrics diff", "what a change of parameters did to the numbers"),
    ("ganflow studio", "opens this generator to play with"),
)


def provenance(
    parameters: Mapping[str, Mapping[str, Any]],
    cards: Mapping[str, Mapping[str, Any]],
    folders: Iterable[Path],
) -> Provenance:
    """All of it as tables.

    Args:
        parameters, cards: by the title of their table.
        folders: which to hash.
    """
    return Provenance(
        parameters=tuple((name, table(values)) for name, values in parameters.items()),
        cards=tuple((name, table(values)) for name, values in cards.items()),
        versions=tuple(versions().items()),
        digests=tuple((folder.as_posix(), digest(folder)) for folder in folders),
        commands=COMMANDS,
    )


def versions() -> dict[str, str]:
    """Installed versions of the packages that shape results; absent ones are left out."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def digest(folder: Path) -> str:
    """SHA-256 over the names and contents of every file below `folder`, in order of names."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(f"{path.relative_to(folder).as_posix()}\0{sha256_of(path)}\n".encode())
    return total.hexdigest()
