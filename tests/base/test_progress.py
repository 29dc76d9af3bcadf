"""The lines that stand in for a progress bar where nobody watches."""

import io
import re
import sys

import pytest

from ganflow.base import progress as module
from ganflow.base.progress import progress, waiting

LINE = re.compile(
    r"progress: (?P<what>\w+) (?P<done>\d+)/(?P<total>\d+) images, (?P<share>\d+) %, "
    r"(?P<rate>\d+) images/s, (?P<minutes>\d+):(?P<seconds>[0-5]\d) left(?P<figures>(, \w+ \S+)*)"
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # no terminal
    return clock


def test_a_line_says_all_that_a_bar_shows(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("train", 1000) as shown:
        clock.now = 10.0
        shown.advance(250, fd=12.345678, generator=0.5)
    line = LINE.fullmatch(capsys.readouterr().out.strip())
    assert line
    assert line.groupdict() == {
        "what": "train",
        "done": "250",
        "total": "1000",
        "share": "25",
        "rate": "25",
        "minutes": "0",
        "seconds": "30",
        "figures": ", fd 12.35, generator 0.5",
    }


def test_lines_come_at_a_sane_rate(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("train", 100_000) as shown:
        for step in range(10_000):  # 100 seconds of 100 steps each
            clock.now = (step + 1) / 100
            shown.advance(10)
    lines = capsys.readouterr().out.splitlines()
    assert 18 <= len(lines) <= 21
    assert all(LINE.fullmatch(line) for line in lines)
    assert lines[-1].startswith("progress: train 100000/100000 images, 100 %")


def test_short_work_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("sample", 10) as shown:
        for _ in range(10):
            clock.now += 0.1
            shown.advance()
    assert capsys.readouterr().out == ""


def test_resumed_work_counts_only_its_own_speed(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress("train", 1000, done=800) as shown:
        clock.now = 10.0
        shown.advance(100)
    line = LINE.fullmatch(capsys.readouterr().out.strip())
    assert line
    assert (line["done"], line["rate"], line["minutes"], line["seconds"]) == (
        "900",
        "10",
        "0",
        "10",
    )


def test_nothing_to_do_is_no_error(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("train", 0) as shown:
        clock.now = 10.0
        shown.advance(0)
    assert LINE.fullmatch(capsys.readouterr().out.strip())


def test_a_terminal_gets_a_bar_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress("train", 20, done=10) as shown:
        shown.advance(10, fd=3.0)
    assert capsys.readouterr().out == ""
    assert "20/20" in terminal.getvalue()
    assert "fd 3" in terminal.getvalue()


def test_a_notebook_gets_one_line_that_changes(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    with progress("train", 1000) as shown:
        for _ in range(100):
            clock.now += 0.1
            shown.advance(10)
    said = capsys.readouterr().out
    assert said.endswith("\n")
    assert said.count("\n") == 1
    _, *lines = said.rstrip().split("\r")
    assert len(lines) <= 21
    assert all(LINE.fullmatch(line.rstrip()) for line in lines)
    assert "1000/1000" in lines[-1]
    with progress("sample", 10) as shown:
        shown.advance(10)
    assert capsys.readouterr().out == "", "short work says nothing"


def test_work_of_unknown_length_shows_on_a_terminal_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        with waiting("reading what DVC has"):
            pass
        assert ("reading what DVC has" in stream.getvalue()) == shown


def test_slow_work_has_a_rate_too(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("evaluate", 5, "steps") as shown:
        clock.now = 20.0
        shown.advance()
    assert "0.05 steps/s" in capsys.readouterr().out
