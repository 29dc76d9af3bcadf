"""rejected.csv: no name can act on a terminal, a spreadsheet or the file's own lines."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganflow.base.errors import DataError
from ganflow.data.rejects import MAX_FAULTS, Reject, Rejects, printable, reason

NASTY = ["=cmd()", "+1", "-1", "@x", "a\nb", "a\x1b[31m", "a\udc80", "a\u202eb", 'q"q,q', "é😀 ok"]


def test_nasty_names_stay_one_harmless_cell(tmp_path: Path) -> None:
    rejects = Rejects(tmp_path, 1.0)
    for name in NASTY:
        rejects.add(Reject(name, "unreadable", name))
    rejects.write(tmp_path / "rejected.csv")
    text = (tmp_path / "rejected.csv").read_text()
    rows = list(csv.reader(text.splitlines()))
    assert len(rows) == 1 + len(NASTY)
    assert all(len(row) == 3 and row[0][0] not in "=+-@" for row in rows)
    assert 'q"q,q' in [row[0] for row in rows]
    assert "é😀 ok" in text


@given(st.text(st.characters(exclude_categories=())))
def test_printable_is_one_line_of_utf8(text: str) -> None:
    shown = printable(text)
    assert len(shown.encode().splitlines()) <= 1
    assert shown.isprintable()


def test_reasons_do_not_differ_from_run_to_run() -> None:
    assert reason(OSError("bad <_io.BytesIO object at 0x7f00aa>")) == "bad "
    assert len(reason(OSError("x" * 10**6))) == 200


def test_more_faults_than_allowed_are_an_error_that_names_some(tmp_path: Path) -> None:
    rejects = Rejects(tmp_path, 0.02)
    for number in range(2):
        rejects.add(Reject(f"{number}.png", "unreadable", "it is cut off"))
    rejects.add(Reject("README.md", "aside", "it is not a picture"))
    rejects.add(Reject("copy.png", "duplicate", "it is a copy"))
    rejects.check(100)
    rejects.add(Reject("bad.png", "link", "it is a link"))
    with pytest.raises(
        DataError, match=r"(?s)3 of 100 files.*bad\.png: it is a link.*max_rejected"
    ):
        rejects.check(100)


def test_faults_are_counted_and_not_hoarded(tmp_path: Path) -> None:
    rejects = Rejects(tmp_path, 0.5)
    for number in range(MAX_FAULTS):
        rejects.add(Reject(f"{number}.png", "unreadable", "it is cut off"))
    with pytest.raises(DataError, match=f"at least {MAX_FAULTS + 1} files"):
        rejects.add(Reject("last.png", "unreadable", "it is cut off"))
