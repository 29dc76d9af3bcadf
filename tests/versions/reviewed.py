"""A git repository with the evaluations that a review compares."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganflow.config.gate import GateParams
from ganflow.versions.gate import Measured
from ganflow.versions.review import Review, review

GATE = GateParams(limits={}, compare={"fd.value": "lower"}, margin=0.05)


def evaluation(
    value: float, half: float = 0.2, evaluator: str = "a" * 16, profile: str = "quick"
) -> Measured:
    return Measured(
        {
            "fd": {"value": value, "baseline": 0.7, "low": value - half, "high": value + half},
            "classes": {"kl": 0.001},
            "profile": profile,
            "evaluator": evaluator,
        },
        {"fd": {"interval": [value - half, value + half]}, "classes": {}},
    )


def with_classes(measured: Measured, ratios: Sequence[float]) -> Measured:
    """An evaluation with a row for each class."""
    rows = [
        {
            "class": f"digit {index}",
            "samples": 1000,
            "fd": {"ratio": ratio, "ratio_error": 0.1, "samples": 1000},
            "kid": None,
            "prdc": {"precision": 0.9},
        }
        for index, ratio in enumerate(ratios)
    ]
    worst = {**measured.metrics["classes"], "worst_ratio": max(ratios)}
    return Measured(
        {**measured.metrics, "classes": worst}, {**measured.detail, "classes": {"each": rows}}
    )


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / ".ganflow"
        self.git("init", "--quiet")
        self.rescored: list[str] = []

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True)

    def write(self, measured: Measured, seed: int = 0) -> None:
        target = self.folder / "data/evaluation"
        (target / "plots").mkdir(parents=True, exist_ok=True)
        (target / "metrics.json").write_text(json.dumps(measured.metrics))
        (target / "detail.json").write_text(json.dumps(measured.detail))
        (target / "plots/samples.png").write_bytes(b"png %d" % seed)
        (self.folder / "params.yaml").write_text(f"seed: {seed}\ntrain: {{batch: 64}}\n")

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "base")

    def review(self, rescore: Any = None, gate: GateParams = GATE) -> Review:
        def never(revision: str, *_: Path) -> Measured:
            raise AssertionError(f"{revision} was scored again under the same evaluator")

        return review("HEAD", gate, self.folder, self.state, rescore or never)
