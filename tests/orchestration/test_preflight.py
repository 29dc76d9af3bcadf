"""Problems that would fail a retraining are reported before it starts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.retrain import retrain
from ganflow.base.errors import GanflowError
from tests.flows.conftest import proposed, publish, run

Here = Callable[[Path], None]


def test_an_unreachable_remote_is_reported_first(lenient: Path, here: Here, tmp_path: Path) -> None:
    (tmp_path / "storage").rename(tmp_path / "gone")
    (tmp_path / "storage").write_text("a file where a folder should be")
    here(lenient)
    with pytest.raises(GanflowError, match="DVC storage: ERROR") as caught:
        retrain(return_state=True, overrides={"seed": 3}).result()
    assert "dvc data status --not-in-remote" in str(caught.value)
    assert proposed(lenient) == []


def test_an_origin_that_is_away_is_reported_first(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    (tmp_path / "origin.git").rename(tmp_path / "away.git")
    here(lenient)
    with pytest.raises(GanflowError, match="origin does not answer") as caught:
        retrain(return_state=True, overrides={"seed": 3}).result()
    assert "git ls-remote origin" in str(caught.value)


def test_a_shallow_clone_is_refused_with_its_remedy(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    publish_again = lenient / "README.md"
    publish_again.write_text("text")
    run("git", "add", "README.md", cwd=lenient)
    publish(lenient)
    shallow = tmp_path / "shallow"
    run(
        "git",
        "clone",
        "--quiet",
        "--depth=1",
        f"file://{tmp_path / 'origin.git'}",
        str(shallow),
        cwd=tmp_path,
    )
    here(shallow)
    with pytest.raises(GanflowError, match="shallow") as caught:
        retrain(return_state=True).result()
    assert "git fetch --unshallow" in str(caught.value)
