"""Retraining with a real bare repository, a DVC remote and the real DVC."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ganflow.orchestration.flows.retrain as flow_module
from ganflow.base.errors import GanflowError
from ganflow.orchestration.flows.retrain import retrain
from tests.flows.conftest import branches, cloned, dvc, proposed, publish, run

Here = Callable[[Path], None]

LONGER = {"train.images": 256000}
"""A change that is a reason for a proposal."""


def attempt(**parameters: Any) -> Any:
    return retrain(**parameters, return_state=True)


def test_a_changed_parameter_becomes_a_branch_that_a_clone_can_use(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    here(lenient)
    before = run("git", "status", "--porcelain", cwd=lenient)
    state = attempt(overrides={"seed": 3, "train.images": 64000})
    assert state.name == "Proposed", state.message
    (branch,) = proposed(lenient)

    clone = cloned(branch, tmp_path)
    dvc("pull", "--quiet", cwd=clone)
    assert (clone / "data/model/file.txt").read_text().startswith("seed: 3")
    assert "64000" in (clone / "params.yaml").read_text()
    assert dvc("repro", cwd=clone).count("didn't change, skipping") == 6
    assert '"fd.value"' in dvc("metrics", "diff", "origin/main", "--json", cwd=clone) or (
        "fd.value" in dvc("metrics", "diff", "origin/main", cwd=clone)
    )

    assert run("git", "status", "--porcelain", cwd=lenient) == before
    assert not list((lenient / ".ganflow/workspaces").iterdir())

    again = attempt(overrides={"seed": 3, "train.images": 64000})
    assert "already there" in again.message
    assert proposed(lenient) == [branch]


def test_unchanged_inputs_propose_nothing(lenient: Path, here: Here) -> None:
    here(lenient)
    state = attempt()
    assert state.name == "Unchanged"
    assert proposed(lenient) == []


def test_another_seed_alone_is_no_reason(lenient: Path, here: Here) -> None:
    """The gate passes, and nothing shows that the model is better."""
    here(lenient)
    state = attempt(overrides={"seed": 3})
    assert (state.name, state.is_completed()) == ("Unchanged", True)
    assert state.message.startswith("only the seed differs from the base, and nothing is better")
    assert proposed(lenient) == []


def test_the_reason_stands_in_the_record_and_in_the_commit(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    arrived = tmp_path / "arrived"
    arrived.mkdir()
    (arrived / "images.txt").write_text("more images\n")
    (lenient / "params.yaml").write_text(
        "seed: 0\ntrain: {images: 128000}\ndata: {source: mnist}\n"
        "gate: {limits: {fd.ratio: {most: 100}}, compare: {}}\n"
    )
    publish(lenient)
    here(lenient)
    assert attempt(incoming=str(arrived), overrides={"seed": 3}).name == "Proposed"
    (branch,) = proposed(lenient)
    clone = cloned(branch, tmp_path)
    reason = "new data (data/raw/mnist/images.txt)"
    assert json.loads((clone / "gate.json").read_text())["reason"] == reason
    assert f"**Reason**: {reason}" in run("git", "log", "-1", "--format=%B", cwd=clone)


def test_a_gate_that_fails_leaves_no_branch(shared: Path, here: Here) -> None:
    """Without an interval for the difference, the gate cannot tell, and fails."""
    here(shared)
    state = attempt(overrides=LONGER)
    assert state.is_failed()
    assert state.name == "Rejected"
    assert "fd.value cannot tell" in state.message
    assert proposed(shared) == []


def test_a_wrong_parameter_costs_nothing(
    lenient: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    here(lenient)
    monkeypatch.setattr(flow_module, "pull_data", lambda *_: pytest.fail("something was pulled"))
    with pytest.raises(GanflowError, match="Did you mean images"):
        attempt(overrides={"train.imges": 3}).result()
    with pytest.raises(GanflowError, match="Did you mean images"):
        attempt(overrides={"train": {"imges": 3}}).result()
    with pytest.raises(GanflowError, match="no such folder"):
        attempt(incoming="/no/such/folder").result()


@pytest.mark.slow
def test_a_stage_that_fails_leaves_the_base_alone(lenient: Path, here: Here) -> None:
    """The next attempt with the same inputs succeeds."""
    script = (lenient / "stage.py").read_text()
    marker = lenient / ".ganflow" / "broken"
    marker.parent.mkdir(exist_ok=True)
    marker.write_text("")
    (lenient / "stage.py").write_text(
        script + f'\nif name == "train" and Path({str(marker)!r}).exists():\n    sys.exit(3)\n'
    )
    marker.unlink()
    dvc("repro", "--quiet", cwd=lenient)
    publish(lenient)
    model = (lenient / "data/model/file.txt").read_text()

    marker.write_text("")
    here(lenient)
    with pytest.raises(GanflowError, match="stage train failed"):
        attempt(overrides=LONGER).result()
    assert (lenient / "data/model/file.txt").read_text() == model
    assert proposed(lenient) == []
    marker.unlink()
    assert attempt(overrides=LONGER).name == "Proposed"


def test_a_push_that_was_cut_off_is_finished_by_the_next_run(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    """The data is pushed before the branch."""
    here(lenient)
    places = [tmp_path / f"storage/files/md5/{number:02x}" for number in range(256)]
    blocked = [place for place in places if not place.exists()]
    for place in blocked:
        place.write_text("a file where DVC needs a folder")
    with pytest.raises(GanflowError, match="did not take the results"):
        attempt(overrides=LONGER).result()
    assert proposed(lenient) == []
    for place in blocked:
        place.unlink()
    assert attempt(overrides=LONGER).name == "Proposed"


def test_main_may_move_while_a_model_is_trained(
    lenient: Path, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run keeps its base, which is the parent of its branch."""
    here(lenient)
    base = branches(lenient)["main"]
    other = tmp_path / "other"
    run("git", "clone", "--quiet", str(tmp_path / "origin.git"), str(other), cwd=tmp_path)
    train = flow_module.run_stages

    def meanwhile(folder: Path, timeout: float | None) -> Any:
        run("git", "commit", "--quiet", "--allow-empty", "--message=Meanwhile", cwd=other)
        run("git", "push", "--quiet", "origin", "main", cwd=other)
        return train(folder, timeout)

    monkeypatch.setattr(flow_module, "run_stages", meanwhile)
    assert attempt(overrides=LONGER).name == "Proposed"
    (branch,) = proposed(lenient)
    assert branches(lenient)["main"] != base
    run("git", "fetch", "--quiet", "origin", cwd=lenient)
    assert run("git", "rev-parse", f"origin/{branch}~", cwd=lenient).strip() == base


@pytest.mark.slow
def test_origin_that_moved_meanwhile_keeps_its_branches(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    """A reviewer's commit on the proposed branch is not overwritten."""
    here(lenient)
    attempt(overrides=LONGER)
    (branch,) = proposed(lenient)
    other = cloned(branch, tmp_path)
    (other / "note.txt").write_text("a reviewer's remark")
    run("git", "add", "note.txt", cwd=other)
    run("git", "commit", "--quiet", "--message=Remark", cwd=other)
    run("git", "push", "--quiet", "origin", branch, cwd=other)
    commit = branches(lenient)[branch]
    with pytest.raises(GanflowError, match="another model on the branch"):
        attempt(overrides=LONGER).result()
    assert branches(lenient)[branch] == commit


@pytest.mark.slow
def test_two_retrainings_at_once_share_the_cache_and_nothing_else(
    lenient: Path, server: Any
) -> None:
    code = (
        "import sys; from ganflow.orchestration.flows.retrain import retrain; "
        "retrain(overrides={'train.images': int(sys.argv[1])})"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(images)],
            cwd=lenient,
            env={
                **server.environment,
                "PYTHONPATH": f"{lenient}:{server.environment['PYTHONPATH']}",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for images in (1000, 2000)
    ]
    said = [one.communicate()[0] for one in runs]
    assert [one.returncode for one in runs] == [0, 0], "\n".join(said)
    assert len(proposed(lenient)) == 2


def test_an_unreachable_remote_is_reported_first(lenient: Path, here: Here, tmp_path: Path) -> None:
    (tmp_path / "storage").rename(tmp_path / "gone")
    (tmp_path / "storage").write_text("a file where a folder should be")
    here(lenient)
    with pytest.raises(GanflowError, match=r"DVC storage: .*Not a directory") as caught:
        retrain(return_state=True, overrides=LONGER).result()
    assert "dvc data status --not-in-remote" in str(caught.value)
    assert proposed(lenient) == []


def test_an_origin_that_is_away_is_reported_first(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    (tmp_path / "origin.git").rename(tmp_path / "away.git")
    here(lenient)
    with pytest.raises(GanflowError, match="origin does not answer") as caught:
        retrain(return_state=True, overrides=LONGER).result()
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
