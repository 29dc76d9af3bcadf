"""Checkpoints under the faults they are for."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from ganflow.base.errors import HeldError
from ganflow.base.recorded import folder_hash
from ganflow.gan import checkpoint as module
from ganflow.gan.checkpoint import CODE, Checkpoint, Checkpoints, forget_recorded, training_key
from ganflow.orchestration.stage import TRY_AGAIN


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANFLOW_STATE", str(tmp_path))
    return tmp_path


def numbered(number: int) -> Checkpoint:
    arrays = {
        "weights": np.full((3, 2), number, np.float32),
        "state": np.array([number, 7], np.uint32),
        "picture": np.full((2, 4, 4, 1), number, np.uint8),
        "turned": np.arange(6, dtype=np.int64).reshape(2, 3).T,
        "scalar": np.float32(number),
    }
    return Checkpoint(arrays, {"step": number, "rows": [[1.0, 0.1 + number]], "best": None})


def saved_step(checkpoints: Checkpoints) -> int | None:
    found = checkpoints.load()
    return None if found is None else int(found.progress["step"])


def test_what_is_saved_is_loaded() -> None:
    checkpoints = Checkpoints("key")
    assert checkpoints.load() is None
    saved = numbered(4)
    checkpoints.save(saved)
    found = checkpoints.load()
    assert found is not None
    assert found.progress == saved.progress
    assert found.arrays.keys() == saved.arrays.keys()
    for name, array in saved.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == np.asarray(array).dtype


@pytest.mark.parametrize("harm", ["flipped", "cut", "empty"])
def test_a_damaged_one_is_passed_over(harm: str, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoints = Checkpoints("key")
    checkpoints.save(numbered(1))
    checkpoints.save(numbered(2))
    latest = checkpoints.folder / "latest"
    content = bytearray(latest.read_bytes())
    content[len(content) // 2] ^= 1
    latest.write_bytes({"flipped": content, "cut": content[:100], "empty": b""}[harm])
    assert saved_step(checkpoints) == 1
    assert "damaged" in capsys.readouterr().out


def test_a_damaged_one_never_takes_the_place_of_the_last_good_one() -> None:
    """Killed while saving for the first time after the damage was found."""
    checkpoints = Checkpoints("key")
    checkpoints.save(numbered(1))
    checkpoints.save(numbered(2))
    (checkpoints.folder / "latest").write_bytes(b"damaged")
    assert saved_step(checkpoints) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "write_bytes", _killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(numbered(3))
    assert saved_step(checkpoints) == 1


def test_both_damaged_start_anew() -> None:
    checkpoints = Checkpoints("key")
    for number in (1, 2):
        checkpoints.save(numbered(number))
    for path in checkpoints.folder.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert saved_step(checkpoints) is None


def test_killed_between_the_renames() -> None:
    checkpoints = Checkpoints("key")
    checkpoints.save(numbered(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "write_bytes", _killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(numbered(2))
    assert saved_step(checkpoints) == 1
    checkpoints.save(numbered(3))
    assert saved_step(checkpoints) == 3


def _killed(path: Path, content: bytes) -> None:
    path.with_name(f".{path.name}.partial").write_bytes(content[:50])
    raise KeyboardInterrupt


def test_each_training_finds_only_its_own() -> None:
    Checkpoints("one").save(numbered(1))
    assert saved_step(Checkpoints("two")) is None
    Checkpoints("one").finish(Path("data/model"))
    assert saved_step(Checkpoints("one")) is None


def test_under_dvc_they_stay_until_the_outputs_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here DVC fails to save them at first, and the stage's next start must find the training."""
    project = tmp_path / "project"
    model = Path("data/model")
    (project / model).mkdir(parents=True)
    (project / model / "weights").write_bytes(b"of this training")
    monkeypatch.chdir(project)
    monkeypatch.setenv("DVC_STAGE", "train")
    one, other = Checkpoints("one"), Checkpoints("other")
    one.save(numbered(5))
    other.save(numbered(6))
    one.finish(model)

    forget_recorded()
    (project / "dvc.lock").write_text(locked("0" * 32 + ".dir"))
    forget_recorded()
    assert saved_step(one) == 5, "dvc.lock has another model"

    (project / "dvc.lock").write_text(locked(folder_hash(model)))
    one.save(numbered(7))
    forget_recorded()
    assert saved_step(one) == 7, "it is under way again"

    one.finish(model)
    monkeypatch.chdir(tmp_path)
    forget_recorded()
    assert saved_step(one) is None
    assert saved_step(other) == 6, "it has not ended"


def locked(model: str) -> str:
    outs = [{"path": "data/model", "hash": "md5", "md5": model}]
    return yaml.safe_dump({"schema": "2.0", "stages": {"train": {"outs": outs}}})


def test_the_key_is_parameters_data_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = {"train": {"batch": 64}, "data": {"sha256": "00"}}
    key = training_key(inputs)
    assert key == training_key({"data": {"sha256": "00"}, "train": {"batch": 64}})
    others = {
        training_key({**inputs, "train": {"batch": 65}}),
        training_key({**inputs, "data": {"sha256": "01"}}),
    }
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda p: read(p) + b"#" * (p.name == "checkpoint.py"))
    others.add(training_key(inputs))
    assert len({key, *others}) == 4


def test_the_code_in_the_key_is_that_which_the_stage_depends_on() -> None:
    """So a checkpoint serves for as long as DVC would run the same training."""
    stage = yaml.safe_load((Path(__file__).parents[2] / "dvc.yaml").read_text())["stages"]["train"]
    assert [f"src/ganflow/{part}" for part in CODE] == [
        path for path in stage["deps"] if path.startswith("src/")
    ]


HOLDER = """
import sys
from ganflow.gan.checkpoint import Checkpoints
with Checkpoints("key").held():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_training_is_refused_and_told_by_whom(state: Path) -> None:
    source = Path(__file__).parents[2] / "src"
    environment = {**os.environ, "PYTHONPATH": str(source)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(HeldError, match=f"process {holder.pid}") as caught,
            Checkpoints("key").held(),
        ):
            pass
        assert caught.value.status == TRY_AGAIN, "which the flow tries again, a few times"
        with Checkpoints("another").held():
            pass
        holder.kill()
    with Checkpoints("key").held():  # the lock of a killed process is free
        assert str(os.getpid()) in next(state.glob("locks/*.holder")).read_text()
    assert not list(state.glob("locks/*.holder"))
