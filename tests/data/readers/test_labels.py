"""labels.csv: a table of names and labels, or an error that names the line."""

import contextlib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganflow.base.errors import DataError
from ganflow.data.readers.labels import read_labels
from ganflow.data.readers.listing import name_digest
from ganflow.data.splits import TEST, TRAIN, UNDECIDED

PATH = Path("labels.csv")


def test_labels_are_found_by_name_in_any_normal_form() -> None:
    text = "\ufefffile,label,split\né.png,cat,train\r\n./sub\\b.png,dog,test\nc.png,cat,\n"
    labels = read_labels(text.encode(), PATH)
    assert labels[name_digest(unicodedata.normalize("NFD", "é.png"))] == ("cat", TRAIN)
    assert labels[name_digest("sub/b.png")] == ("dog", TEST)
    assert labels[name_digest("c.png")] == ("cat", UNDECIDED)
    assert name_digest("d.png") not in labels


def test_a_formula_is_only_a_label() -> None:
    labels = read_labels(b'file,label\na.png,"=HYPERLINK(""x"")"\n', PATH)
    assert list(labels.values()) == [('=HYPERLINK("x")', UNDECIDED)]


WORST = {
    "empty": (b"", "line 1"),
    "without header": (b"a.png,cat\n", "line 1"),
    "a missing cell": (b"file,label\na.png\n", "line 2"),
    "an empty label": (b"file,label\na.png,\n", "line 2"),
    "a control character": (b"file,label\na.png,c\x1b[2Jat\n", "line 2"),
    "a zero byte": (b"file,label\na.png,c\0at\n", "line 2"),
    "a direction mark": ("file,label\na.png,c\u202eat\n".encode(), "line 2"),
    "a long label": (b"file,label\na.png," + b"x" * 101, "line 2"),
    "a long line": (b"file,label\n" + b"x" * 10**6, "line 2"),
    "an open quote": (b'file,label\na.png,"cat\n', "line"),
    "a name given twice": (b"file,label\na.png,cat\n\na.png,dog\n", "line 4"),
    "an unknown split": (b"file,label,split\na.png,cat,tset\n", "line 2"),
    "Latin-1": (b"file,label\na.png,caf\xe9\n", "line 2"),
    "ten thousand labels": (
        b"file,label\n" + b"".join(b"%d.png,%d\n" % (i, i) for i in range(10_001)),
        "10000 labels",
    ),
}


@pytest.mark.parametrize(("content", "message"), WORST.values(), ids=WORST.keys())
def test_what_is_no_such_table_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_labels(content, PATH)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(), st.text().map(str.encode)), st.booleans())
def test_any_text_is_read_or_refused(content: bytes, with_header: bool) -> None:
    with contextlib.suppress(DataError):
        table = read_labels(b"file,label\n" * with_header + content, PATH)
        assert all(label for label, _ in table.values())
