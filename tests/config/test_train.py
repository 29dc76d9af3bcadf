"""The `train` section."""

import pytest

from ganflow.config.train import TrainParams


@pytest.mark.parametrize(
    ("steps", "snapshots", "expected"),
    [(100, 4, [25, 50, 75, 100]), (10, 3, [3, 7, 10]), (8, 12, list(range(1, 9))), (9, 1, [9])],
)
def test_snapshots_are_evenly_spaced_and_the_last_step_is_one(
    steps: int, snapshots: int, expected: list[int]
) -> None:
    assert TrainParams(images=steps * 8, batch=8, snapshots=snapshots).snapshot_steps() == expected


@pytest.mark.parametrize(
    ("steps", "every", "expected"),
    [(10, 32, [4, 8, 10]), (8, 32, [4, 8]), (8, 1, list(range(1, 9))), (8, 1000, [8])],
)
def test_snapshots_by_images_do_not_depend_on_the_length(
    steps: int, every: int, expected: list[int]
) -> None:
    found = TrainParams(images=steps * 8, batch=8, snapshot_every=every).snapshot_steps()
    assert found == expected
