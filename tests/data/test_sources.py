"""A source that is not there is answered with the nearest one that is."""

import re
from pathlib import Path

import pytest

from ganflow.base.errors import DataError
from ganflow.cli import main
from ganflow.data.readers.formats import recognise
from ganflow.data.sources import names, require
from tests.docs.commands import ROOT


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "raw"
    for name in ("mnist", "faces", "inception", ".cache"):
        (folder / name).mkdir(parents=True)
    (folder / "far.dvc").touch()
    (folder / ".gitignore").touch()
    return folder


def test_sources_are_those_that_are_here_or_with_dvc(raw: Path) -> None:
    assert names(raw) == ["faces", "far", "mnist"]
    assert names(raw / "nowhere") == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("mnst", "did you mean `mnist`?.*run next: ganflow data show mnist"),
        ("face", "did you mean `faces`?"),
        ("xyzzy", "there are faces, far, mnist.*copy your images to .*xyzzy"),
        ("far", "DVC has it.*run next: dvc pull .*far.dvc"),
    ],
)
def test_a_missing_one_is_told_apart(raw: Path, wrong: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        recognise(raw / wrong)
    assert f"there is no `{wrong}`" in str(caught.value)
    assert re.search(said.replace("?", r"\?"), str(caught.value), re.DOTALL)


def test_what_dvc_can_bring_is_not_refused_beforehand(raw: Path) -> None:
    require(raw / "far")
    require(raw / "mnist")
    with pytest.raises(DataError, match="did you mean `mnist`"):
        require(raw / "mnistt")


def test_a_mistyped_source_in_the_parameters_is_found_before_any_stage(
    raw: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(raw.parents[1])
    text = (ROOT / "params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("source: mnist", "source: mnsit"))
    assert main(["params"]) == 1
    assert "did you mean `mnist`?" in capsys.readouterr().err
    assert main(["params", "data.source"]) == 0, "a question is answered all the same"
    Path("params.yaml").write_text(text)
    assert main(["params"]) == 0
