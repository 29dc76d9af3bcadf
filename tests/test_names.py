"""One name means one thing."""

import ast
from collections import Counter
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src/ganflow"


def test_no_two_classes_share_a_name() -> None:
    counts = Counter(
        node.name
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in counts.items() if count > 1] == []


SHARED = {
    "config/evaluation.py": "config/test_params.py",
    "config/model.py": "config/test_params.py",
    "data/readers/limits.py": "data/readers/test_arrays.py",  # numbers, each tested at its reader
    "export/origin.py": "export/test_formats.py",
    "gan/fitting.py": "stages/test_train.py",
    "given.py": "test_api.py",
    "metrics/sample_evaluation.py": "stages/test_evaluate.py",
    "metrics/suite.py": "metrics/test_faults.py",
    "plan/measuring.py": "plan/test_planning.py",
    "versions/dvc.py": "versions/test_git.py",
}
"""Modules without a test file of their name, and the one that tests them."""


def test_every_module_has_a_test_file_of_its_name_or_one_that_is_named_here() -> None:
    tests = SOURCE.parents[1] / "tests"
    names = {path.name for path in tests.rglob("test_*.py")}
    without = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if not path.name.startswith("__") and f"test_{path.name}" not in names
    }
    assert without == set(SHARED)
    assert all((tests / file).is_file() for file in SHARED.values())
