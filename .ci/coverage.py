"""Sums up a coverage report by package, because by file it fills three screens."""

import json
import sys
from collections import Counter
from pathlib import Path, PurePosixPath


def main(report: str) -> None:
    statements: Counter[str] = Counter()
    covered: Counter[str] = Counter()
    for name, file in json.loads(Path(report).read_text())["files"].items():
        package = str(PurePosixPath(name).parent)
        for key in (package, "total"):
            statements[key] += file["summary"]["num_statements"]
            covered[key] += file["summary"]["covered_lines"]
    total = statements.pop("total")
    print(f"{'package':<32}{'lines':>8}{'run':>8}{'share':>9}")
    for package in [*sorted(statements), "total"]:
        lines = total if package == "total" else statements[package]
        share = covered[package] / lines if lines else 1.0
        print(f"{package:<32}{lines:>8}{covered[package]:>8}{share:>9.1%}")


if __name__ == "__main__":
    main(sys.argv[1])
