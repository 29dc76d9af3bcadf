"""ganflow.lock records the code and the libraries that results were made with."""

import re
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from ganflow.base import environment
from ganflow.base.errors import GanflowError
from ganflow.stages import lock

REPOSITORY = Path(__file__).parents[2]

DVC_YAML = """
stages:
  prepare:
    cmd: python -m ganflow prepare
    deps: [data/raw]
    params: [data, {ganflow.lock: [prepare, numpy]}]
  train:
    cmd: python -m ganflow train
    params: [train, {ganflow.lock: [train, keras, numpy]}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    return tmp_path


def test_what_dvc_yaml_names_is_recorded(project: Path) -> None:
    assert set(lock.record(project)) == {"ganflow", "prepare", "train", "keras", "numpy"}
    assert lock.recorded(project) == lock.installed(project)
    assert lock.changed(project) == {}
    lock.check_lock(project)


def test_without_a_lock_nothing_is_checked(project: Path) -> None:
    lock.check_lock(project)


def test_a_change_of_a_stage_s_code_is_named_with_both_ways_out(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock.record(project)
    own = lock.code_of
    monkeypatch.setattr(lock, "code_of", lambda s: "other" if s == "train" else own(s))
    with pytest.raises(GanflowError, match="other code of the stages train") as caught:
        lock.check_lock(project)
    assert "requirements.txt" in str(caught.value)
    assert "ganflow upgrade" in str(caught.value)
    assert lock.stages_of(project, set(lock.record(project))) == ["train"]
    lock.check_lock(project)


def test_a_change_of_a_library_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock.record(project)
    versions = environment.versions() | {"numpy": "99.1"}
    monkeypatch.setattr(environment, "versions", lambda: versions)
    with pytest.raises(GanflowError, match=r"numpy 99\.1 instead of") as caught:
        lock.check_lock(project)
    numpy = lock.recorded(project)["numpy"]
    assert f"recorded versions: `pip install numpy=={numpy}`\n" in str(caught.value)


def test_the_way_back_installs_tensorflow_under_its_name(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = project / "dvc.yaml"
    described.write_text(described.read_text().replace("keras", "tensorflow"))
    lock.record(project)
    versions = environment.versions() | {"tensorflow": "99.1"}
    monkeypatch.setattr(environment, "versions", lambda: versions)
    monkeypatch.setattr(metadata, "distributions", lambda name: [])
    with pytest.raises(GanflowError, match="pip install tensorflow-cpu=="):
        lock.check_lock(project)


def test_a_new_version_with_the_same_code_changes_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock.record(project)
    monkeypatch.setattr(lock.ganflow, "__version__", "99.0", raising=False)
    lock.check_lock(project)
    assert lock.record(project) == {}
    assert lock.recorded(project)["ganflow"] == "99.0"


@pytest.mark.parametrize(
    ("changed", "stages"),
    [
        ("report/page.py", {"report"}),
        ("report/templates/page.html", {"report"}),
        ("gan/objectives.py", {"train"}),
        ("data/readers/zipped.py", {"prepare"}),
        ("data/preview.py", set()),  # in a folder of prepare's, which does not import it
        ("versions/gate.py", set()),
        ("orchestration/stage.py", set()),
    ],
)
def test_a_file_of_the_package_changes_the_stages_that_depend_on_it(
    changed: str, stages: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = list(lock.stages_in(lock.REPOSITORY))
    before = {name: lock.code_of(name) for name in names}
    assert (lock.PACKAGE / changed).is_file()
    own, file = lock.sha256_of, lock.PACKAGE / changed
    monkeypatch.setattr(lock, "sha256_of", lambda path: "other" if path == file else own(path))
    assert {name for name in names if lock.code_of(name) != before[name]} == stages


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_python_gets_the_recorded_versions(name: str) -> None:
    """NumPy and SciPy end their support of a Python early: a lock may have two versions of them,
    and the stages would refuse the one that is not recorded."""
    lines = (REPOSITORY / name).read_text().splitlines()
    pairs = [found.groups() for line in lines if (found := re.match(r"([a-z]+)==([^ ]+) ", line))]
    locked = [(library, version) for library, version in pairs if library in environment.LIBRARIES]
    recorded = yaml.safe_load((REPOSITORY / "ganflow.lock").read_text())
    assert sorted(locked) == sorted(
        (library, recorded[library]) for library in environment.LIBRARIES
    )
