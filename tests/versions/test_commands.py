"""Every command has a time limit, and one that cannot start is a failure like any other."""

from pathlib import Path

from ganflow.versions import commands


def test_a_command_is_ended_at_its_time_limit(tmp_path: Path) -> None:
    result = commands.attempt(["sh", "-c", "sleep 60 & wait"], cwd=tmp_path, timeout=0.2)
    assert result.code == commands.TIMED_OUT
    assert result.errors == "no answer in 0.2 s"


def test_a_command_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    result = commands.attempt(["no-such-command"], cwd=tmp_path, timeout=5)
    assert result.code == commands.NOT_STARTED
    assert "no-such-command" in result.errors
