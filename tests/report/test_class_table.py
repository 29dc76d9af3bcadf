"""The classes of an evaluation as texts: worst first, with what could not be measured."""

from typing import Any

import pytest

from ganflow.report.class_table import class_table


def row(name: str, ratio: float | None, **more: Any) -> dict[str, Any]:
    fd = None if ratio is None else {"ratio": ratio, "ratio_interval": [ratio - 0.5, ratio + 0.5]}
    return {"class": name, "fd": fd, "kid": None, "prdc": None, **more}


def detail(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"classes": {"each": list(rows)}}


def test_the_worst_class_is_first_and_one_without_a_ratio_last() -> None:
    found = class_table(detail(row("a", 1.2), row("b", None), row("c", 7.0), row("d", 2.0)), 20)
    assert found is not None
    assert [line.name for line in found.rows] == ["c", "d", "a", "b"]
    assert found.rows[0].ratio == "7.00\u00a0×"
    assert found.rows[0].interval == "6.50 to 7.50"
    assert found.rows[3].ratio == found.rows[3].interval == ""
    assert found.more == ""


def test_of_many_classes_the_worst_are_shown_and_the_others_counted() -> None:
    found = class_table(detail(*(row(str(index), 1.0 + index) for index in range(30))), 20)
    assert found is not None
    assert [line.name for line in found.rows] == [str(index) for index in range(29, 9, -1)]
    assert found.more == "The other 10 classes are in detail.json."


def test_shares_stand_beside_those_of_real_images() -> None:
    prdc = {"precision": 0.9, "recall": 0.5, "coverage": 0.25, "real": {"precision": 0.95}}
    found = class_table(detail(row("a", 1.0, prdc=prdc)), 20)
    assert found is not None
    assert found.rows[0].shares == ("90.0\u00a0% (95.0\u00a0%)", "50.0\u00a0%", "25.0\u00a0%")


def test_a_class_of_few_images_has_its_kernel_distance_and_the_reasons() -> None:
    kid = {"value": 0.25, "interval": [0.125, 0.5]}
    left_out = {"fd": "40 images", "prdc": "no balls"}
    found = class_table(detail(row("a", None, kid=kid, left_out=left_out)), 20)
    assert found is not None
    assert found.rows[0].note == "Kernel distance 0.25 (0.125 to 0.5). 40 images. no balls."
    assert found.rows[0].shares == ("", "", "")


@pytest.mark.parametrize("nothing", [{}, {"classes": {"kl": 0.1}}, {"classes": {"each": []}}])
def test_without_numbers_of_each_class_there_is_no_table(nothing: dict[str, Any]) -> None:
    assert class_table(nothing, 20) is None
