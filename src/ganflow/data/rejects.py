"""Files that were not used, and why: the rows of rejected.csv."""

import csv
import io
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from ganflow.base.errors import DataError
from ganflow.base.files import write_text

REJECTED = "rejected.csv"
MAX_ASIDE = 1000
MAX_FAULTS = 100_000
"""More faulty files than this are an error whatever their share, since memory holds them all."""

ADDRESS = re.compile(r"<[^>]*>| at 0x[0-9a-fA-F]+")


class Reject(NamedTuple):
    file: str
    kind: str
    """`aside`: accompanies the pictures but is none; `duplicate` and `near_duplicate`: is in
    another split as well. Every other kind is a fault and counts towards `data.max_rejected`."""

    reason: str

    @property
    def is_fault(self) -> bool:
        return self.kind not in ("aside", "duplicate", "near_duplicate")


class Rejects:
    """Collects the files that are not used, and refuses too many faulty ones."""

    def __init__(self, where: Path, share: float) -> None:
        self.where, self.share = where, share
        self.rows: list[Reject] = []
        self.kinds: Counter[str] = Counter()
        self.faults = 0

    def add(self, reject: Reject) -> None:
        self.faults += reject.is_fault
        if self.faults > MAX_FAULTS:
            self.check(0)
        self.kinds[reject.kind] += 1
        if reject.kind != "aside" or self.kinds["aside"] <= MAX_ASIDE:
            self.rows.append(reject)

    def check(self, total: int) -> None:
        """Compare the faults so far with `data.max_rejected` of `total` files.

        Raises:
            DataError: with the first of them, when there are more.
        """
        if self.faults <= self.share * total and self.faults <= MAX_FAULTS:
            return
        faults = sorted(row for row in self.rows if row.is_fault)
        shown = "\n".join(f"    {printable(row.file)}: {row.reason}" for row in faults[:5])
        of = f" of {total}" if total else ""
        raise DataError(
            f"at least {self.faults}{of} files cannot be used, among them\n{shown}",
            where=str(self.where),
            expected=f"at most {self.share:.2%} (data.max_rejected)",
            run="repair or remove these files, or raise data.max_rejected in params.yaml",
        )

    def write(self, path: Path) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(Reject._fields)
        writer.writerows([_cell(value) for value in row] for row in sorted(set(self.rows)))
        write_text(path, text.getvalue())


def reason(error: BaseException) -> str:
    """An error's message in one short line, without memory addresses."""
    return printable(ADDRESS.sub("", str(error) or type(error).__name__))[:200]


def printable(text: str) -> str:
    """Escape every character that could control a terminal or break a line."""
    return "".join(
        character
        if character == " " or unicodedata.category(character)[0] not in "CZ"
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


def _cell(value: str) -> str:
    """A cell that no spreadsheet runs as a formula."""
    shown = printable(value)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown
