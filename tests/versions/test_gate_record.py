"""The record of the gate: the review shows its decision, and finds what contradicts it."""

import json

import pytest

from ganflow.config.gate import GateParams
from ganflow.versions.gate import Decision, Measured
from ganflow.versions.gate_record import GATE_RECORD, write_record
from ganflow.versions.git import commit_of
from ganflow.versions.reading import measured_at
from tests.versions.reviewed import GATE, Project, evaluation, with_classes


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


@pytest.mark.parametrize("changed", [False, True])
def test_the_record_holds_what_classes_are_compared_by(project: Project, changed: bool) -> None:
    project.write(with_classes(evaluation(3.0), [1.2, 1.3]))
    project.commit()
    project.write(with_classes(evaluation(2.0), [1.2, 8.0]), seed=1)
    decision = recorded(project)
    record = json.loads(record_of(project))
    rows = record["candidate"]["evaluations"][0]["detail"]["classes"]["each"]
    assert [row["fd"]["ratio"] for row in rows] == [1.2, 8.0]
    assert "prdc" not in rows[0]
    if changed:
        rows[1]["fd"]["ratio"] = 1.2
        (project.folder / GATE_RECORD).write_text(json.dumps(record))
    found = project.review()
    assert not found.passed
    first = "**The record of the gate does not match**" if changed else decision.line
    assert found.page.startswith(first)


def test_the_record_of_a_base_of_before_is_read(project: Project) -> None:
    project.write(with_classes(evaluation(2.0), [1.2, 1.3]), seed=1)
    decision = recorded(project)
    found = project.review()
    assert found.passed is decision.passed is True
    assert decision.as_markdown() in found.page
    assert "Classes are not compared" in found.page


def record_of(project: Project) -> str:
    return (project.folder / GATE_RECORD).read_text()
