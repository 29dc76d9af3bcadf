"""The review of a real git history: what is real, what is noise, and what cannot be compared."""

from pathlib import Path
from typing import Any

import pytest

from ganflow.base.errors import GanflowError
from ganflow.versions.gate import Measured
from ganflow.versions.review import metrics_table, review
from tests.versions.reviewed import GATE, Project, evaluation, with_classes


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


RATIOS = [1.2, 1.9, 1.3, 1.4]


def classes_in(page: str) -> list[list[str]]:
    section = page.partition("## Classes")[2].partition("##")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_three_worst_classes_stand_beside_the_bases(project: Project) -> None:
    project.write(with_classes(evaluation(3.0), RATIOS))
    project.commit()
    project.write(with_classes(evaluation(2.0), [1.2, 1.0, 9.0, 1.5]), seed=1)
    found = project.review()
    rows = classes_in(found.page)
    assert [row[:4] for row in rows] == [
        ["`digit 2`", "`fd.ratio`", "1.3", "9"],
        ["`digit 3`", "`fd.ratio`", "1.4", "1.5"],
        ["`digit 0`", "`fd.ratio`", "1.2", "1.2"],
    ]
    assert [row[5] for row in rows] == ["**worse**", "within noise", "within noise"]
    assert not found.passed
    assert found.page.splitlines()[0] == (
        "**The gate fails**: fd.ratio of class `digit 2` worse (1.3 → 9)"
    )
    assert row(found.page, "classes.worst_ratio")[1:3] == ["1.9", "9"]


def test_a_lost_class_is_first(project: Project) -> None:
    project.write(with_classes(evaluation(3.0), RATIOS))
    project.commit()
    lost = with_classes(evaluation(2.0), RATIOS)
    lost.detail["classes"]["each"][0] |= {"samples": 2, "fd": None}
    project.write(lost, seed=1)
    found = project.review()
    assert classes_in(found.page)[0] == [
        "`digit 0`", "`fd.ratio`", "1.2", "", "", "**lost**: too few samples"
    ]  # fmt: skip
    assert "class `digit 0` missing" in found.page.splitlines()[0]


def test_a_base_of_before_leaves_its_column_empty(project: Project) -> None:
    project.write(with_classes(evaluation(2.0), RATIOS), seed=1)
    found = project.review()
    assert found.passed
    assert classes_in(found.page)[0][:4] == ["`digit 1`", "`fd.ratio`", "", "1.9"]
    assert "Classes are not compared: the base's detail.json" in found.page


def test_without_labels_the_page_has_no_classes(project: Project) -> None:
    project.write(evaluation(2.0), seed=1)
    assert "## Classes" not in project.review().page
