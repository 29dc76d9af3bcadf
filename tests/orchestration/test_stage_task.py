"""Progress lines become a progress artifact."""

import pytest

from ganflow.orchestration.stage_task import percentage


def test_progress_lines_are_those_that_ganflow_writes(capsys: pytest.CaptureFixture[str]) -> None:
    from ganflow.base import progress

    shown = progress._Lines("train", 200, "images")
    shown.printed = -1e9
    shown.advance(50, fd=3.25)
    assert percentage(capsys.readouterr().out) == 25.0
    assert percentage("progress: none") is None
    assert percentage("loss 3/4 images") is None
