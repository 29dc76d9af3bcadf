"""The review of a real git history: what is real, what is noise, and what cannot be compared."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ganflow.base.errors import GanflowError
from ganflow.config.gate import GateParams
from ganflow.versions.gate import Decision, Measured
from ganflow.versions.gate_record import GATE_RECORD, write_record
from ganflow.versions.git import commit_of
from ganflow.versions.reading import measured_at
from ganflow.versions.review import Review, metrics_table, review

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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    made = Project(tmp_path)
    made.write(evaluation(3.0))
    made.commit()
    return made


def row(page: str, metric: str) -> list[str]:
    line = next(line for line in page.splitlines() if line.startswith(f"| `{metric}`"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_real_improvement_is_called_better(project: Project) -> None:
    project.write(evaluation(2.0), seed=1)
    found = project.review()
    assert found.passed
    assert row(found.page, "fd.value")[1:3] == ["3", "2"]
    assert row(found.page, "fd.value")[5] == "**better**"
    assert row(found.page, "fd.baseline")[5] == "unchanged"
    assert row(found.page, "seed")[1:] == ["`0`", "`1`"]
    assert "train.batch" not in found.page
    assert "fd.low" not in found.page
    assert found.page.startswith("**The gate passes**")
    for name, content in (("base", b"png 0"), ("this", b"png 1")):
        assert f".ganflow/review/{name}.png" in found.page
        assert (project.state / f"review/{name}.png").read_bytes() == content


def test_noise_is_called_noise(project: Project) -> None:
    project.write(evaluation(2.9), seed=1)
    assert row(project.review().page, "fd.value")[5] == "within noise"


def test_a_real_loss_fails(project: Project) -> None:
    project.write(evaluation(4.0), seed=1)
    found = project.review()
    assert not found.passed
    assert row(found.page, "fd.value")[5] == "**worse**"
    assert found.page.startswith("**The gate fails**")


def recorded(
    project: Project, gate: GateParams = GATE, others: tuple[Measured, ...] = ()
) -> Decision:
    """The decision that a retraining writes for the base HEAD and the working tree."""
    commit = commit_of("HEAD", project.folder)
    base, this = measured_at(commit, project.folder), measured_at(None, project.folder)
    pairs = [(base, this), *((evaluation(3.0 + k / 9), one) for k, one in enumerate(others))]
    seeds = range(len(pairs))
    return write_record(
        project.folder, commit, gate, seeds, [a for a, _ in pairs], [b for _, b in pairs]
    )


def test_the_page_shows_the_decision_of_the_record(project: Project) -> None:
    project.write(evaluation(2.0), seed=1)
    gate = GATE.model_copy(update={"seeds": 3})
    decision = recorded(project, gate, (evaluation(2.1), evaluation(2.3)))
    assert decision.trainings == 3
    found = project.review(gate=gate)
    assert found.passed is decision.passed is True
    assert found.page.splitlines()[0] == decision.line
    assert decision.as_markdown() in found.page
    assert "only quotes the numbers of the trainings under the seeds 1, 2" in found.page


def test_a_decision_that_fails_in_the_record_fails_on_the_page(project: Project) -> None:
    """The single pair alone would have passed."""
    project.write(evaluation(2.0), seed=1)
    gate = GATE.model_copy(update={"seeds": 3})
    decision = recorded(project, gate, (evaluation(8.0), evaluation(9.0)))
    found = project.review(gate=gate)
    assert found.passed is decision.passed is False
    assert found.page.splitlines()[0] == decision.line


@pytest.mark.parametrize("number", ["candidate", "base", "other seed", "interval", "row", "passed"])
def test_a_record_changed_by_hand_does_not_pass(project: Project, number: str) -> None:
    project.write(evaluation(2.0), seed=1)
    gate = GATE.model_copy(update={"seeds": 2})
    recorded(project, gate, (evaluation(2.2),))
    assert project.review(gate=gate).passed == json.loads(record_of(project))["passed"]
    record = json.loads(record_of(project))
    if number in ("candidate", "base"):
        record[number]["evaluations"][0]["metrics"]["fd"]["value"] += 0.01
    elif number == "other seed":
        record["candidate"]["evaluations"][1]["metrics"]["fd"]["value"] -= 0.01
    elif number == "interval":
        record["candidate"]["evaluations"][0]["detail"]["fd"]["interval"][0] -= 0.01
    elif number == "row":
        record["rows"][0]["interval"][1] -= 0.01
    else:
        record["passed"] = not record["passed"]
    (project.folder / GATE_RECORD).write_text(json.dumps(record))
    found = project.review(gate=gate)
    assert not found.passed
    assert found.page.startswith("**The record of the gate does not match**")


def test_a_record_with_fewer_trainings_than_the_gate_asks_for_does_not_pass(
    project: Project,
) -> None:
    project.write(evaluation(2.0), seed=1)
    recorded(project)
    found = project.review(gate=GATE.model_copy(update={"seeds": 3}))
    assert not found.passed
    assert "does not hold 3 trainings" in found.page


@pytest.mark.parametrize("content", [None, "", "[]", "{", '{"base": 1}', "of others"])
def test_without_a_record_the_gate_compares_the_single_pair(
    project: Project, content: str | None
) -> None:
    project.write(evaluation(2.0), seed=1)
    if content == "of others":
        recorded(project)
        project.write(evaluation(2.1), seed=1)
    elif content is not None:
        (project.folder / GATE_RECORD).write_text(content)
    found = project.review()
    assert found.passed
    assert "has less power than a comparison over several seeds" in found.page


def test_the_record_quotes_a_base_that_was_measured_again(project: Project) -> None:
    project.write(evaluation(2.0, evaluator="b" * 16), seed=1)
    again = evaluation(2.8, evaluator="b" * 16)
    this = measured_at(None, project.folder)
    decision = write_record(project.folder, "HEAD", GATE, [1], [again], [this])
    found = project.review(lambda *_: again)
    assert found.passed is decision.passed is True
    assert "only quotes the base's numbers under the candidate's evaluator" in found.page


def record_of(project: Project) -> str:
    return (project.folder / GATE_RECORD).read_text()


def test_equal_numbers_need_no_gate(project: Project) -> None:
    found = project.review()
    assert found.passed
    assert "Nothing is measured differently" in found.page


@pytest.mark.parametrize("lost", ["missing", "nan"])
def test_a_gated_metric_that_is_lost_is_a_failure_said_so(project: Project, lost: str) -> None:
    measured = evaluation(2.0)
    fd = dict(measured.metrics["fd"])
    if lost == "missing":
        del fd["value"]
    else:
        fd["value"] = float("nan")
    project.write(Measured({**measured.metrics, "fd": fd}, measured.detail), seed=1)
    found = project.review()
    assert not found.passed
    assert "fd.value missing" in found.page.splitlines()[0]


def test_another_evaluator_has_the_base_scored_again(project: Project) -> None:
    project.write(evaluation(2.0, evaluator="b" * 16), seed=1)
    asked = []

    def rescore(revision: str, folder: Path, state: Path) -> Measured:
        asked.append((revision, folder))
        return evaluation(2.8, evaluator="b" * 16)

    found = project.review(rescore)
    assert len(asked) == 1
    assert len(asked[0][0]) == 40
    assert row(found.page, "fd.value")[1] == "2.8"
    assert "scored again as this one's was" in found.page
    assert "different evaluators" in found.page
    assert found.passed


def test_another_profile_has_the_base_scored_again_too(project: Project) -> None:
    # 50,000 samples have a lower distance than 10,000 of the same model
    project.write(evaluation(2.5, profile="full"))
    found = project.review(lambda *_: evaluation(2.5, profile="full"))
    assert "Nothing is measured differently" in found.page
    assert "different profiles (`quick` and `full`" in found.page


def test_what_the_evaluation_doubts_stands_above_the_numbers(project: Project) -> None:
    measured = evaluation(2.0)
    project.write(Measured(measured.metrics, {**measured.detail, "doubts": ["It copies."]}), 1)
    page = project.review().page
    assert "> **Of this**: It copies." in page.partition("## Numbers")[0]


def test_the_same_model_under_a_new_evaluator_changes_nothing(project: Project) -> None:
    project.write(evaluation(2.0, evaluator="b" * 16), seed=1)
    found = project.review(lambda *_: evaluation(2.0, evaluator="b" * 16))
    assert found.passed
    assert "Nothing is measured differently" in found.page
    assert "scored again" in found.page


def test_a_base_that_cannot_be_scored_again_is_not_compared(project: Project) -> None:
    project.write(evaluation(2.0, evaluator="b" * 16), seed=1)

    def rescore(*_: Any) -> Measured:
        raise GanflowError("its weights are in nobody's cache")

    found = project.review(rescore)
    assert not found.passed
    assert "cannot be compared" in found.page
    assert "nobody's cache" in found.page
    assert "no numbers" not in found.page


def test_what_real_images_reach_stands_beside(project: Project) -> None:
    measured = evaluation(2.0)
    detail = {"fd": {**measured.detail["fd"], "baseline": {"mean": 0.7}}}
    project.write(Measured(measured.metrics, detail), seed=1)
    assert row(project.review().page, "fd.value")[1:4] == ["3", "2", "0.7"]


def test_on_the_server_the_grids_are_linked_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://example.org")
    monkeypatch.setenv("GITHUB_REPOSITORY", "a/b")
    project.write(evaluation(2.0), seed=1)
    page = project.review().page
    assert page.count("https://example.org/a/b/blob/") == 2


def test_an_unknown_base_is_named(project: Project) -> None:
    with pytest.raises(GanflowError, match="'nowhere'"):
        review("nowhere", GATE, project.folder, project.state, lambda *_: evaluation(1))


def test_what_has_no_interval_is_not_called_real() -> None:
    old, new = evaluation(3.0), evaluation(3.0)
    new.metrics["classes"]["kl"] = 0.5  # type: ignore[index]
    assert "no interval is known" in "\n".join(metrics_table(old, new))
