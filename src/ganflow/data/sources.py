"""The sources below `data/raw`, and the error for one that is missing."""

import difflib
from pathlib import Path

from ganflow.base.errors import DataError

TRACKED = ".dvc"
ASIDE = ("inception",)
"""Folders below `data/raw` that hold no images."""


def require(path: Path) -> None:
    """Refuse a source that is neither at `path` nor tracked by DVC.

    Raises:
        DataError: with the most similar name that is there.
    """
    if not path.exists() and not tracked(path).is_file():
        raise missing(path)


def missing(path: Path) -> DataError:
    """The error for a source that is missing."""
    if tracked(path).is_file():
        return DataError(
            f"there is no `{path.name}` here; DVC has it",
            where=str(path.parent),
            expected="the source that `data.source` names",
            run=f"dvc pull {tracked(path)}",
        )
    there = names(path.parent)
    near = difflib.get_close_matches(path.name, there, n=1)
    known = f"; did you mean `{near[0]}`?" if near else ""
    listed = f", and there {'is' if len(there) == 1 else 'are'} {', '.join(there[:10])}"
    return DataError(
        f"there is no `{path.name}`{known}",
        where=str(path.parent),
        expected=f"the source that `data.source` names{listed if there and not near else ''}",
        run=f"ganflow data show {near[0]}" if near else f"copy your images to {path}",
    )


def tracked(path: Path) -> Path:
    """The file in git by which DVC tracks a source."""
    return path.with_name(path.name + TRACKED)


def names(raw: Path) -> list[str]:
    """The names of the sources below `raw`, present or tracked by DVC, in order."""
    if not raw.is_dir():
        return []
    found = {path.name.removesuffix(TRACKED) for path in raw.iterdir()}
    return sorted(name for name in found if not name.startswith(".") and name not in ASIDE)
