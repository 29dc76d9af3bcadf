"""The module that docs/own-networks.md shows, in a folder, whole or with something replaced."""

from pathlib import Path

from tests.docs.commands import ROOT, blocks

MODULE = "my_networks"
PAGE = ROOT / "docs/own-networks.md"
TEXT = blocks(PAGE, "python")[0]


def write_module(folder: Path, replaced: str = "", by: str = "", name: str = MODULE) -> Path:
    """Write the module; `replaced` is text that it has."""
    assert replaced in TEXT
    path = folder / f"{name}.py"
    path.write_text(TEXT.replace(replaced, by, 1) if replaced else TEXT)
    return path
