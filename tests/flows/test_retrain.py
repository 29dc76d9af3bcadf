"""Retraining against a real bare repository, a real DVC remote and the real DVC."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import flows.retrain
from flows.retrain import retrain
from ganflow.base.errors import GanflowError
from ganflow.config.gate import Gate
from ganflow.versions.gate import Measured
from ganflow.versions.review import review
from tests.flows.conftest import dvc, run

Here = Callable[[Path], None]


def branches(project: Path) -> dict[str, str]:
    """Origin's branches and their commits."""
    lines = run("git", "ls-remote", "--heads", "origin", cwd=project).splitlines()
    return {line.split("refs/heads/")[1]: line.split()[0] for line in lines}


def proposed(project: Path) -> list[str]:
    return [name for name in branches(project) if name.startswith("retrain/")]


def attempt(**parameters: Any) -> Any:
    return retrain(**parameters, return_state=True)


@pytest.fixture
def lenient(shared: Path) -> Path:
    """A project whose gate lets every finite number through."""
    (shared / "params.yaml").write_text(
        "seed: 0\ntrain: {images: 128000}\ngate: {limits: {fd.ratio: {most: 100}}, compare: {}}\n"
    )
    publish(shared)
    return shared


def publish(project: Path) -> None:
    run("git", "commit", "--quiet", "--all", "--message=Another", cwd=project)
    run("git", "push", "--quiet", "origin", "main", cwd=project)


def cloned(branch: str, folder: Path) -> Path:
    """A fresh clone of one branch of the remote that stands in `folder`."""
    clone = folder / "clone"
    origin = str(folder / "origin.git")
    run("git", "clone", "--quiet", f"--branch={branch}", origin, str(clone), cwd=folder)
    return clone


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


def test_incoming_data_is_taken_from_git_to_dvc(lenient: Path, here: Here, tmp_path: Path) -> None:
    source = lenient / "data/raw/mnist"
    source.mkdir()
    (lenient / "data/raw/images.txt").rename(source / "images.txt")
    text = (lenient / "dvc.yaml").read_text()
    (lenient / "dvc.yaml").write_text(text.replace("raw/images.txt", "raw/mnist/images.txt"))
    run("git", "add", "--all", cwd=lenient)
    dvc("repro", "--quiet", cwd=lenient)
    run("git", "add", "--all", cwd=lenient)
    publish(lenient)
    (tmp_path / "new").mkdir()
    (tmp_path / "new/images.txt").write_text("more images\n")

    here(lenient)
    state = attempt(incoming=str(tmp_path / "new"))
    assert state.name == "Proposed", state.message
    (branch,) = proposed(lenient)
    clone = cloned(branch, tmp_path)
    assert not (clone / "data/raw/mnist").exists()
    dvc("pull", "--quiet", cwd=clone)
    assert (clone / "data/raw/mnist/images.txt").read_text() == "more images\n"
    assert (clone / "data/prepared/file.txt").read_text() == "more images\nprepare\n"


def test_a_link_in_incoming_data_is_refused(lenient: Path, here: Here, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/images.txt").symlink_to("/etc/hostname")
    here(lenient)
    with pytest.raises(GanflowError, match="neither a folder nor a file"):
        attempt(incoming=str(tmp_path / "new")).result()
    assert proposed(lenient) == []


def test_a_gate_that_fails_leaves_no_branch(shared: Path, here: Here) -> None:
    """The base has no interval for the difference: the gate cannot tell, and says so."""
    here(shared)
    state = attempt(overrides={"seed": 3})
    assert state.is_failed()
    assert state.name == "Rejected"
    assert "fd.value cannot tell" in state.message
    assert proposed(shared) == []


@pytest.mark.slow
def test_seeds_make_the_difference_clear(shared: Path, here: Here, tmp_path: Path) -> None:
    """Over two trainings the interval is that of the trainings, and the verdict names them."""
    here(shared)
    state = attempt(overrides={"train.images": 256, "gate.seeds": 2, "gate.margin": 10.0})
    assert state.name == "Proposed", state.message
    (branch,) = proposed(shared)
    commit = branches(shared)[branch]
    body = run("git", "log", "-1", "--format=%B", commit, cwd=shared)
    assert "over 2 trainings" in body
    clone = cloned(branch, tmp_path)
    record = json.loads((clone / "gate.json").read_text())
    assert record["passed"] is True
    assert record["seeds"] == [0, 1]
    gate = Gate(margin=10.0, seeds=2)
    page = review("HEAD~", gate, clone, clone / ".ganflow", lambda *_: Measured({}, {})).page
    assert page.splitlines()[0] == body.splitlines()[2]


def test_a_wrong_parameter_costs_nothing(lenient: Path, here: Here) -> None:
    here(lenient)
    with pytest.raises(GanflowError, match="Did you mean images"):
        attempt(overrides={"train.imges": 3}).result()


@pytest.mark.slow
def test_a_stage_that_fails_leaves_the_base_alone(lenient: Path, here: Here) -> None:
    """The next attempt, under the same inputs, goes through."""
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
        attempt(overrides={"seed": 3}).result()
    assert (lenient / "data/model/file.txt").read_text() == model
    assert proposed(lenient) == []
    marker.unlink()
    assert attempt(overrides={"seed": 3}).name == "Proposed"


def test_an_unreachable_remote_is_told_first(lenient: Path, here: Here, tmp_path: Path) -> None:
    (tmp_path / "storage").rename(tmp_path / "gone")
    (tmp_path / "storage").write_text("a file where a folder should be")
    here(lenient)
    with pytest.raises(GanflowError, match="DVC storage: ERROR") as caught:
        attempt(overrides={"seed": 3}).result()
    assert "dvc data status --not-in-remote" in str(caught.value)
    assert proposed(lenient) == []


def test_a_push_that_was_cut_off_is_finished_by_the_next_run(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    """Data goes before git: without the data there is no branch."""
    here(lenient)
    places = [tmp_path / f"storage/files/md5/{number:02x}" for number in range(256)]
    blocked = [place for place in places if not place.exists()]
    for place in blocked:
        place.write_text("a file where DVC needs a folder")
    with pytest.raises(GanflowError, match="did not take the results"):
        attempt(overrides={"seed": 3}).result()
    assert proposed(lenient) == []
    for place in blocked:
        place.unlink()
    assert attempt(overrides={"seed": 3}).name == "Proposed"


def test_main_may_move_while_a_model_is_trained(
    lenient: Path, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is pinned to what it started from, and its branch says so."""
    here(lenient)
    base = branches(lenient)["main"]
    other = tmp_path / "other"
    run("git", "clone", "--quiet", str(tmp_path / "origin.git"), str(other), cwd=tmp_path)
    train = flows.retrain.run_stages

    def meanwhile(folder: Path, timeout: float | None) -> Any:
        run("git", "commit", "--quiet", "--allow-empty", "--message=Meanwhile", cwd=other)
        run("git", "push", "--quiet", "origin", "main", cwd=other)
        return train(folder, timeout)

    monkeypatch.setattr(flows.retrain, "run_stages", meanwhile)
    assert attempt(overrides={"seed": 3}).name == "Proposed"
    (branch,) = proposed(lenient)
    assert branches(lenient)["main"] != base
    run("git", "fetch", "--quiet", "origin", cwd=lenient)
    assert run("git", "rev-parse", f"origin/{branch}~", cwd=lenient).strip() == base


def test_an_origin_that_is_away_is_told_first(lenient: Path, here: Here, tmp_path: Path) -> None:
    (tmp_path / "origin.git").rename(tmp_path / "away.git")
    here(lenient)
    with pytest.raises(GanflowError, match="origin does not answer") as caught:
        attempt(overrides={"seed": 3}).result()
    assert "git ls-remote origin" in str(caught.value)


@pytest.mark.slow
def test_origin_that_moved_meanwhile_keeps_its_branches(
    lenient: Path, here: Here, tmp_path: Path
) -> None:
    """Somebody's commit on the proposed branch is not written over."""
    here(lenient)
    attempt(overrides={"seed": 3})
    (branch,) = proposed(lenient)
    other = cloned(branch, tmp_path)
    (other / "note.txt").write_text("a reviewer's remark")
    run("git", "add", "note.txt", cwd=other)
    run("git", "commit", "--quiet", "--message=Remark", cwd=other)
    run("git", "push", "--quiet", "origin", branch, cwd=other)
    commit = branches(lenient)[branch]
    with pytest.raises(GanflowError, match="another model on the branch"):
        attempt(overrides={"seed": 3}).result()
    assert branches(lenient)[branch] == commit


def test_a_shallow_clone_is_refused_with_what_mends_it(
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
        attempt().result()
    assert "git fetch --unshallow" in str(caught.value)


@pytest.mark.slow
def test_two_retrainings_at_once_share_the_cache_and_nothing_else(
    lenient: Path, server: Any
) -> None:
    code = (
        "import sys; from flows.retrain import retrain; "
        "retrain(overrides={'seed': int(sys.argv[1])})"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(seed)],
            cwd=lenient,
            env={
                **server.environment,
                "PYTHONPATH": f"{lenient}:{server.environment['PYTHONPATH']}",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for seed in (3, 4)
    ]
    said = [one.communicate()[0] for one in runs]
    assert [one.returncode for one in runs] == [0, 0], "\n".join(said)
    assert len(proposed(lenient)) == 2


@pytest.mark.slow
def test_another_evaluator_measures_the_base_again(shared: Path, here: Here) -> None:
    """The base's generator is sampled and scored under the candidate's; the two then compare."""
    script = (shared / "stage.py").read_text()
    evaluator = '"evaluator": Path("data/extractor/file.txt").read_text()[:12]})'
    (shared / "stage.py").write_text(script.replace('"evaluator": "0123456789abcdef"})', evaluator))
    (shared / "params.yaml").write_text(
        "seed: 0\ntrain: {images: 128000}\ngate: {on_unclear: pass, limits: {}}\n"
    )
    dvc("repro", "--quiet", cwd=shared)
    publish(shared)
    (shared / "data/raw/images.txt").write_text("different images\n")
    run("git", "commit", "--quiet", "--all", "--message=Data", cwd=shared)
    run("git", "push", "--quiet", "origin", "main", cwd=shared)
    here(shared)
    state = attempt(overrides={"seed": 3})
    assert state.name == "Proposed", state.message
    (branch,) = proposed(shared)
    body = run("git", "log", "-1", "--format=%B", branches(shared)[branch], cwd=shared)
    row = next(line for line in body.splitlines() if line.startswith("| fd.value"))
    assert "cannot tell" in row, "compared, though no interval is known; not `missing`"
