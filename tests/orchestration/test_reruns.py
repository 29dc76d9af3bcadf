"""Base and candidate are trained or evaluated again when the gate needs it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ganflow.config.gate import GateParams
from ganflow.orchestration.flows.retrain import retrain
from ganflow.versions.gate import Measured
from ganflow.versions.review import review
from tests.flows.conftest import branches, cloned, dvc, proposed, publish, run

Here = Callable[[Path], None]


@pytest.mark.slow
def test_several_seeds_make_the_difference_clear(shared: Path, here: Here, tmp_path: Path) -> None:
    """Over two trainings the interval is that of the trainings, and the verdict names them."""
    here(shared)
    state = retrain(
        return_state=True, overrides={"train.images": 256, "gate.seeds": 2, "gate.margin": 10.0}
    )
    assert state.name == "Proposed", state.message
    (branch,) = proposed(shared)
    commit = branches(shared)[branch]
    body = run("git", "log", "-1", "--format=%B", commit, cwd=shared)
    assert "over 2 trainings" in body
    clone = cloned(branch, tmp_path)
    record = json.loads((clone / "gate.json").read_text())
    assert record["passed"] is True
    assert record["seeds"] == [0, 1]
    gate = GateParams(margin=10.0, seeds=2)
    page = review("HEAD~", gate, clone, clone / ".ganflow", lambda *_: Measured({}, {})).page
    assert page.splitlines()[0] == body.splitlines()[2]


@pytest.mark.slow
def test_another_evaluator_evaluates_the_base_again(shared: Path, here: Here) -> None:
    """The base's generator is sampled and scored under the candidate's; the two then compare."""
    script = (shared / "stage.py").read_text()
    evaluator = '"evaluator": Path("data/extractor/file.txt").read_text()[:12]})'
    (shared / "stage.py").write_text(script.replace('"evaluator": "0123456789abcdef"})', evaluator))
    (shared / "params.yaml").write_text(
        "seed: 0\ntrain: {images: 128000}\ngate: {on_unclear: pass, limits: {}}\n"
    )
    dvc("repro", "--quiet", cwd=shared)
    publish(shared)
    (shared / "data/raw/mnist/images.txt").write_text("different images\n")
    run("git", "commit", "--quiet", "--all", "--message=Data", cwd=shared)
    run("git", "push", "--quiet", "origin", "main", cwd=shared)
    here(shared)
    state = retrain(return_state=True, overrides={"seed": 3})
    assert state.name == "Proposed", state.message
    (branch,) = proposed(shared)
    body = run("git", "log", "-1", "--format=%B", branches(shared)[branch], cwd=shared)
    row = next(line for line in body.splitlines() if line.startswith("| fd.value"))
    assert "cannot tell" in row, "compared, though no interval is known; not `missing`"
