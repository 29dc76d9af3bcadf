"""What the pages point to is there, and what they tell to type works."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.commands import FENCED, PAGES, ROOT, blocks

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(
    r"`((?:src|flows|tests|docs|benchmarks|data|\.ci)/[\w./-]+|[\w-]+\.(?:yaml|toml|lock|md))`"
)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCED.sub("", page.read_text())):
        if re.match(r"https?://", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


BUILT = ("data/prepared", "data/extractor", "data/model", "data/training", "data/samples")
WRITTEN_BY_USERS = ("data/raw/flowers", "data/report", "data/start", "labels.csv")
ASKED_FOR = ("tests/gan/test_objectives.py",)


@each_page
def test_files_that_are_named_are_there(page: Path) -> None:
    """Outputs of stages are not, in a fresh clone."""
    for name in NAMED.findall(FENCED.sub("", page.read_text())):
        if name.startswith((*BUILT, *WRITTEN_BY_USERS)) or name in ASKED_FOR:
            continue
        assert (ROOT / name).exists() or list(ROOT.glob(f"src/**/{name}")), f"{page.name}: {name}"


@each_page
def test_every_page_is_linked_from_the_readme(page: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    assert page.name == "README.md" or f"docs/{page.name}" in readme


@each_page
def test_names_of_the_code_are_there(page: Path) -> None:
    """`Game._step`, `settle_batch_norm` and other names of this code in sentences."""
    defined: set[str] = set()
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "flows").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                defined.add(node.name)
            elif isinstance(node, ast.Assign):
                defined |= {t.id for t in node.targets if isinstance(t, ast.Name)}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                defined.add(node.target.id)
    prose = FENCED.sub("", page.read_text())
    spoken = set(re.findall(r"`([A-Z]\w+(?:\._?[a-z]\w+)+|[A-Z]{2,}_?[A-Z]+)`", prose))
    unknown = {name for name in spoken if not set(name.split(".")) <= defined}
    assert unknown <= {"NAME", "STAGE", "BATCH_SIZE", "RGB", "TF_CONFIG"}, f"{page.name}: {unknown}"


EXPONENTIAL = """
import sys
import tensorflow as tf
from ganflow.config.document import parse
from ganflow.config.params import check
from ganflow.gan.objectives import OBJECTIVES

check({"train": {"objective": "exponential"}})
objective = OBJECTIVES["exponential"]
zero = tf.zeros((8, 1))
print(float(objective.discriminator(zero, zero)), float(objective.generator(zero, zero)))
"""


def test_adding_an_objective_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    before, definition = blocks(ROOT / "docs" / "adding-an-objective.md", "python")[:2]
    params = tmp_path / "src/ganflow/config/train.py"
    assert before in params.read_text(), "the page shows what stands there"
    after = before.replace('"relativistic"', '"relativistic", "exponential"')
    params.write_text(params.read_text().replace(before, after))
    objectives = tmp_path / "src/ganflow/gan/objectives.py"
    end = "    ),\n}\n"  # of the table
    assert objectives.read_text().count(end) == 1
    objectives.write_text(objectives.read_text().replace(end, f"    ),\n{definition}}}\n"))
    assert printed(EXPONENTIAL, tmp_path).split() == ["2.0", "1.0"]


def printed(script: str, project: Path) -> str:
    """What a script prints that imports the project's own copy of the source."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_benchmark_is_on_the_page() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    for path in (ROOT / "benchmarks").glob("*.py"):
        if '__name__ == "__main__"' in path.read_text():
            assert f"`python -m benchmarks.{path.stem} --json`" in page, path.name
            assert f"**`{path.stem}`.**" in page, f"{path.name}: how to read it"


SPREAD = """
import numpy as np
from ganflow.metrics.spread import spread
from ganflow.metrics.suite import Plan, Seen, measure
from ganflow.report.summary import summarise

numbers = np.random.default_rng(0)
real = [Seen(numbers.standard_normal((600, 8))) for _ in range(3)]
samples = Seen(0.5 * numbers.standard_normal((600, 8)))
found = measure(samples, *real, Plan(samples=600, resamples=3, baseline_draws=3))
summary = summarise(found.metrics, found.detail)
shown = {finding.name: finding for finding in summary.findings}["Spread"]
print(found.metrics["spread"]["value"], shown.value, shown.baseline, shown.interval, sep="|")
"""


def test_adding_a_metric_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    page = ROOT / "docs" / "adding-an-objective.md"
    module, function = blocks(page, "python")[2:]
    (line,) = blocks(page, "text")
    package = tmp_path / "src" / "ganflow"
    (package / "metrics" / "spread.py").write_text(module)
    suite = package / "metrics" / "suite.py"
    call = "_spread(findings, generated, train, test)"
    assert call in " ".join(page.read_text().split())
    text = suite.read_text().replace(
        "    return findings\n", f"    {call}\n    return findings\n", 1
    )
    last = "from ganflow.metrics.prdc import NEIGHBOURS, prdc\n"
    assert last in text
    imported = f"{last}from ganflow.metrics.spread import spread\n"
    suite.write_text(text.replace(last, imported) + f"\n\n{function}")
    module = package / "report" / "summary.py"
    table = "MEASURES = (\n"
    assert table in module.read_text()
    module.write_text(module.read_text().replace(table, table + line))
    value, shown, baseline, interval = printed(SPREAD, tmp_path).strip().split("|")
    assert float(value) == pytest.approx(0.25, abs=0.05), "half the deviation, a quarter of it"
    assert float(shown) == pytest.approx(float(value), abs=0.01)
    assert float(baseline) == pytest.approx(1, abs=0.15)
    assert " to " in interval


def test_the_functions_of_an_architecture_are_those_that_the_page_names() -> None:
    page = (ROOT / "docs" / "adding-an-objective.md").read_text()
    tree = ast.parse((ROOT / "src/ganflow/gan/networks/lean.py").read_text())
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        if not function.name.startswith("_"):
            arguments = ", ".join(argument.arg for argument in function.args.args)
            assert f"`{function.name}({arguments})`" in " ".join(page.split())


def test_every_objective_that_is_allowed_is_there() -> None:
    from typing import get_args

    from ganflow.config.train import Objective
    from ganflow.gan.objectives import OBJECTIVES

    assert set(OBJECTIVES) == set(get_args(Objective))


def script(name: str) -> ModuleType:
    """A script of docs/, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_numbers_in_the_readme_are_those_of_its_model() -> None:
    module = script("figures")
    table = module.stated((ROOT / "README.md").read_text())
    assert table == module.table(ROOT), "run `python docs/figures.py`"
    assert len(table.splitlines()) > 5


def test_the_table_of_quality_is_what_was_measured() -> None:
    module = script("quality")
    tables = dict(module.TABLE.findall((ROOT / "docs" / "quality.md").read_text()))
    assert set(tables) == set(module.MEASURED)
    for which, table in tables.items():
        assert table == module.table(module.measured(which)), "run `python docs/quality.py`"


@pytest.mark.parametrize("name", ["samples", "quality"])
def test_a_picture_is_a_picture(name: str) -> None:
    from PIL import Image

    with Image.open(ROOT / "docs" / "images" / f"{name}.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 200
        assert len(picture.convert("L").getcolors(maxcolors=256)) > 50, "not blank"


def test_the_tree_in_the_architecture_is_the_tree() -> None:
    tree = next(body for _, body in FENCED.findall((ROOT / "docs/architecture.md").read_text()))
    packages = set(re.findall(r"^  (\w+)/ ", tree, re.M))
    there = {path.parent.name for path in (ROOT / "src" / "ganflow").glob("*/__init__.py")}
    assert packages == there
