"""Where a report comes from can be checked: hashes follow names and contents."""

from pathlib import Path

import numpy as np

from ganflow.report.compose import table
from ganflow.report.sources import digest, versions


def test_a_digest_changes_with_names_and_contents_alone(tmp_path: Path) -> None:
    for folder, name, text in (
        ("one", "a", "x"), ("same", "a", "x"), ("name", "b", "x"), ("text", "a", "y")
    ):  # fmt: skip
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    one, same, name, text = (digest(tmp_path / f) for f in ("one", "same", "name", "text"))
    assert one == same
    assert len({one, name, text}) == 3


def test_parameters_become_dotted_names() -> None:
    assert table({"adam": {"beta": 0.5}}) == (("adam.beta", "0.5"),)


def test_versions_are_those_installed() -> None:
    assert versions()["numpy"] == np.__version__
