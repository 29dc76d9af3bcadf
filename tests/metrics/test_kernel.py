"""The kernel distance against its definition, and its standard error against repetition."""

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.metrics.kernel import kernel_distance, mmd_of_few, squared_mmd


def by_definition(x: np.ndarray, y: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    within = [
        np.mean([kernel(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j])
        for rows in (x, y)
    ]
    return float(sum(within) - 2 * np.mean([kernel(a, b) for a in x for b in y]))


def test_the_estimate_is_its_definition() -> None:
    numbers = np.random.default_rng(0)
    x, y = numbers.normal(size=(12, 5)), numbers.normal(0.5, 2, size=(9, 5))
    assert squared_mmd(x, y) == pytest.approx(by_definition(x, y), rel=1e-11)


def test_equal_distributions_are_unbiased_around_zero_with_an_honest_error() -> None:
    numbers = np.random.default_rng(1)
    found = [
        kernel_distance(
            numbers.normal(size=(1000, 8)), numbers.normal(size=(1000, 8)), numbers, block=100
        )
        for _ in range(150)
    ]
    values, errors = (np.array([getattr(f, name) for f in found]) for name in ("value", "error"))
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    assert (values < 0).mean() > 0.2
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.2)
    assert 0.90 <= np.mean(np.abs(values) < 2.262 * errors) <= 0.99  # t, 9 degrees of freedom


def test_the_error_of_few_is_the_jackknife_that_leaves_out_each_row() -> None:
    numbers = np.random.default_rng(3)
    x, y = numbers.normal(size=(12, 5)), numbers.normal(0.5, 2, size=(9, 5))
    value, error = mmd_of_few(x, y)
    without = [by_definition(np.delete(x, row, axis=0), y) for row in range(12)]
    assert value == pytest.approx(by_definition(x, y), rel=1e-11)
    assert error == pytest.approx(np.sqrt(11 * np.var(without)), rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_interval_of_few_holds_the_truth_as_often_as_it_says(shift: float) -> None:
    numbers = np.random.default_rng(4)
    real = numbers.normal(size=(40, 8))
    truth = np.mean([squared_mmd(numbers.normal(shift, 1, (40, 8)), real) for _ in range(3000)])
    found = np.array([mmd_of_few(numbers.normal(shift, 1, (40, 8)), real) for _ in range(400)])
    held = np.abs(found[:, 0] - truth) <= 2.023 * found[:, 1]  # t, 39 degrees of freedom
    assert 0.90 <= held.mean() <= 0.99


def test_another_distribution_stands_out() -> None:
    numbers = np.random.default_rng(2)
    found = kernel_distance(
        numbers.normal(0.3, 1, size=(2000, 8)), numbers.normal(size=(2000, 8)), numbers, block=200
    )
    assert found.blocks == 10
    assert found.value > 10 * found.error


def test_too_few_rows_for_two_blocks_are_refused() -> None:
    rows = np.zeros((1999, 3))
    with pytest.raises(DataError, match="1999 images"):
        kernel_distance(rows, rows, np.random.default_rng(0))
