"""Comparing recipes over seeds and models over samples, in a real git history."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ganflow.base.errors import GanflowError
from ganflow.versions.compare import compare
from ganflow.versions.comparison import Difference
from ganflow.versions.gate import Measured


class History:
    """A repository whose commits hold evaluations and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet")

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *who, *words], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def add(self, value: float | None, evaluator: str = "a", name: str | None = None) -> str:
        place = self.folder / "data/evaluation"
        place.mkdir(parents=True, exist_ok=True)
        fd = {} if value is None else {"value": value, "ratio": value / 0.7}
        metrics = {"fd": fd, "evaluator": evaluator}
        detail = {} if value is None else {"fd": {"interval": [value - 0.1, value + 0.1]}}
        (place / "metrics.json").write_text(json.dumps(metrics))
        (place / "detail.json").write_text(json.dumps(detail))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", str(value))
        return self.git("rev-parse", "HEAD")

    def compare(self, base: list[str], candidate: list[str], **fakes: Any) -> str:
        def never(*_: Any) -> Measured:
            raise AssertionError("scored again under the same evaluator")

        fakes = {"rescore": never, **fakes}
        return compare(base, candidate, self.folder, self.folder / ".ganflow", **fakes)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def verdict(page: str, metric: str) -> str:
    line = next(line for line in page.splitlines() if line.startswith(f"| `{metric}`"))
    return line.strip("| ").rpartition("|")[2].strip(" *")


def test_recipes_far_apart_are_told_and_near_ones_not(history: History) -> None:
    base = [history.add(value) for value in (3.0, 3.2, 2.9)]
    better = [history.add(value) for value in (2.0, 2.1, 2.2)]
    near = [history.add(value) for value in (2.8, 3.3, 2.6)]
    assert verdict(history.compare(base, better), "fd.value") == "better"
    assert verdict(history.compare(better, base), "fd.ratio") == "worse"
    page = history.compare(base, near)
    assert verdict(page, "fd.value") == "cannot tell"
    assert "3 and 3 trainings" in page


def test_a_metric_that_some_lack_is_said_so(history: History) -> None:
    base = [history.add(3.0), history.add(None)]
    other = [history.add(2.0), history.add(2.1)]
    assert verdict(history.compare(base, other), "fd.value") == "missing in some"


def test_two_models_are_compared_by_their_samples(history: History) -> None:
    base, candidate = history.add(3.0), history.add(2.9)
    asked = []

    def bootstrap(a: str, b: str, *_: Path) -> Difference:
        asked.append((a, b))
        return Difference(-0.1, -0.15, -0.05, "better")

    page = history.compare([base], [candidate], bootstrap=bootstrap)
    assert asked == [(base, candidate)]
    assert verdict(page, "fd.value") == "better"
    assert "not two recipes" in page


def test_another_evaluator_is_scored_again(history: History) -> None:
    base = [history.add(value, "old") for value in (3.0, 3.1)]
    candidate = [history.add(value, "new") for value in (2.0, 2.1)]
    values = iter([1.0, 1.1])

    def rescore(*_: Any) -> Measured:
        return Measured({"fd": {"value": next(values)}, "evaluator": "new"}, {})

    page = history.compare(base, candidate, rescore=rescore)
    assert verdict(page, "fd.value") == "worse"


def test_what_cannot_be_compared_is_an_error(history: History) -> None:
    one, two, three = (history.add(value) for value in (1.0, 2.0, 3.0))
    with pytest.raises(GanflowError, match="one side has no variance"):
        history.compare([one], [two, three])
    with pytest.raises(GanflowError, match="same commit twice"):
        history.compare([one, one], [two, three])
    with pytest.raises(GanflowError, match="'nowhere'"):
        history.compare(["nowhere"], [two])
    history.git("rm", "--quiet", "-r", "data")
    history.git("commit", "--quiet", "--message", "empty")
    with pytest.raises(GanflowError, match="HEAD holds no numbers"):
        history.compare([one], ["HEAD"])
