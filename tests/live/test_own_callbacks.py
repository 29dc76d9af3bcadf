"""The callbacks of a project's own file, which GANFLOW_CALLBACKS names."""

from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError
from ganflow.live.own_callbacks import SETTING, own_callbacks

VIEWER = """
import keras


class Viewer(keras.callbacks.Callback):
    pass


def callbacks():
    return [Viewer()]


def word():
    return ["word"]


def failing():
    raise OSError("no server there")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "viewers.py").write_text(VIEWER)
    return tmp_path


def test_without_the_setting_there_are_none(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    assert own_callbacks(project) == []


def test_a_function_of_the_project_makes_them(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "viewers:callbacks")
    assert [type(one).__name__ for one in own_callbacks(project)] == ["Viewer"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("viewers", "module:function"),
        ("nowhere:callbacks", "nowhere.py, which is not there"),
        ("viewers:others", "is not a function"),
        ("viewers:word", "'word', which is no callback"),
        ("viewers:failing", r"OSError: no server there[\s\S]*viewers.py, line 18"),
        ("broken:callbacks", r"SyntaxError[\s\S]*unset GANFLOW_CALLBACKS"),
    ],
)
def test_what_makes_none_is_named(
    name: str, said: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "broken.py").write_text("def callbacks(:\n")
    monkeypatch.setenv(SETTING, name)
    with pytest.raises(GanflowError) as caught:
        own_callbacks(project)
    print(caught.value)
    assert caught.match(said)
    assert "run next" in str(caught.value) or name == "viewers"
