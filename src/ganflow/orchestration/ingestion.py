"""Adding new data to a workspace before its stages run."""

import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import yaml

from ganflow.base.errors import DataError
from ganflow.base.files import sha256_of, write_text
from ganflow.base.paths import RAW, state_folder
from ganflow.data.rejects import Reject, printable
from ganflow.orchestration import processes
from ganflow.versions import dvc, git


def update_imports(folder: Path, on_line: Callable[[str], None]) -> None:
    """Update every imported source (`dvc import`, `dvc import-url`)."""
    for pointer in sorted((folder / RAW).glob("*.dvc")):
        if (yaml.safe_load(pointer.read_text()) or {}).get("deps"):  # others were added here
            processes.checked(
                dvc.command("update", str(pointer.relative_to(folder))),
                cwd=folder,
                what=f"the imported source {pointer.name} could not be updated",
                remedy=f"dvc update {pointer.relative_to(folder)}",
                with_secrets=True,
                on_line=on_line,
                timeout=dvc.TRANSFER_SECONDS,
            )


def add_incoming(
    incoming: Path,
    folder: Path,
    source: str,
    on_line: Callable[[str], None],
    refused: Collection[str] = (),
) -> None:
    """Copy the files of `incoming` into `data/raw/SOURCE` and track them with DVC.

    Files of the same name are replaced; other files stay. A source that was tracked by git is
    tracked by DVC from then on.

    Args:
        incoming: a folder on this machine.
        folder: the workspace.
        source: its parameter `data.source`, a plain name.
        refused: files of `incoming` that are left out.

    Raises:
        DataError: if `incoming` has no files, or something other than files and folders.
    """
    files = [f for f in plain_files(incoming) if str(f.relative_to(incoming)) not in refused]
    if not files:
        return
    target = folder / RAW / source
    for path in files:
        place = target / path.relative_to(incoming)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.partial")
        shutil.copyfile(path, draft)
        draft.replace(place)  # never write into the old file: it may be a link into DVC's cache
    relative = str(target.relative_to(folder))
    if git.succeeds("ls-files", "--error-unmatch", relative, cwd=folder):
        git.run("rm", "-r", "--quiet", "--cached", "--", relative, cwd=folder)
    processes.checked(
        dvc.command("add", relative),
        cwd=folder,
        what=f"DVC did not take {relative}",
        remedy=f"dvc add {relative}",
        on_line=on_line,
        timeout=dvc.TRANSFER_SECONDS,
    )


def quarantine(incoming: Path, rejected: Iterable[Reject], source: str) -> list[str]:
    """Copy files that `prepare` would not use, each with its reason beside it.

    They go to `quarantine/SOURCE` in the state folder, with a hash of their content before their
    name, so that none replaces another. What is in `incoming` stays there.

    Returns:
        the names of these files in `incoming`; a fault inside an archive is left to `prepare`.
    """
    home, refused = state_folder() / "quarantine" / source, []
    for reject in rejected:
        path = incoming / reject.file
        if not path.is_file():
            continue
        name = Path(reject.file)
        place = home / name.with_name(f"{sha256_of(path)[:12]}-{name.name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        reason = f"{printable(reject.file)}: {reject.kind}: {reject.reason}\n"
        write_text(place.with_name(f"{place.name}.reason.txt"), reason)
        refused.append(reject.file)
    return refused


def plain_files(incoming: Path) -> list[Path]:
    """All files of a folder of new data.

    Raises:
        DataError: there are none, or something is neither a file nor a folder.
    """
    if not incoming.is_absolute() or not incoming.is_dir():
        raise DataError(
            "there is no such folder of incoming data",
            where=str(incoming),
            expected="the absolute path of a folder on the worker's machine",
            run="ls -l, on the worker's machine",
        )
    found = sorted(incoming.rglob("*"))
    for path in found:
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise DataError(
                "incoming data has something that is neither a folder nor a file",
                where=str(path),
                expected="regular files, because a link could lead anywhere",
                run="replace the link with its file",
            )
    files = [path for path in found if path.is_file()]
    if not files:
        raise DataError(
            "the folder of incoming data is empty",
            where=str(incoming),
            expected="at least one file",
            run="leave out `incoming` to retrain on the existing data",
        )
    return files
