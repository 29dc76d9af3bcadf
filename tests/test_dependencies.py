"""The declared inputs are the real inputs (rule 2 of docs/architecture.md).

Each stage's imports are followed through the source, and its sections are read from its
signature; both must be what dvc.yaml declares. Without this, DVC would go on serving results
of code that has changed.
"""

import ast
import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc_data.hashfile.meta import Meta

from ganflow.base.environment import LIBRARIES
from ganflow.config.params import Params, sections_of
from ganflow.config.schema import SchemaNode
from ganflow.stages.lock import modules_of

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "ganflow"
STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def holds_code(path: Path) -> bool:
    """Whether a file is more than its docstring."""
    body = ast.parse(path.read_text()).body
    return any(not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in body)


def code_of(stage: str) -> set[Path]:
    """Every file of this package that a stage's result depends on."""
    return {path for path in modules_of(stage) if holds_code(path)}


def declared_paths(stage: str) -> list[Path]:
    """The code that dvc.yaml names as dependencies of a stage: files, and folders as units."""
    paths = [ROOT / dependency for dependency in STAGES[stage]["deps"]]
    return [path for path in paths if SOURCE in path.parents]


def declared(stage: str) -> set[Path]:
    """Every code file that dvc.yaml names as a dependency of a stage, itself or in a folder."""
    files: set[Path] = set()
    for path in declared_paths(stage):
        files |= {path} if path.is_file() else set(path.rglob("*.py"))
    return files


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_the_imports(stage: str) -> None:
    missing = code_of(stage) - declared(stage)
    assert not missing, f"dvc.yaml, stage {stage}: add {sorted(map(_short, missing))} to deps"
    for path in declared_paths(stage):
        used = any(path == file or path in file.parents for file in code_of(stage))
        assert used, f"dvc.yaml, stage {stage}: it imports nothing from {_short(path)}"


def test_pipeline_can_be_read_aloud() -> None:
    assert sum(len(stage["deps"]) for stage in STAGES.values()) <= 45


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_are_the_sections_it_is_handed(stage: str) -> None:
    run = importlib.import_module(f"ganflow.stages.{stage}").run
    *sections, versions = STAGES[stage]["params"]
    assert set(sections) == set(sections_of(run))
    # What is not a section is what watches the stage, and may be left out.
    others = set(inspect.signature(run).parameters) - set(sections)
    assert others <= {"callbacks"}
    # `prepare` imports one function of a module in which another sets TensorFlow up.
    unused = {"keras", "tensorflow"} if stage == "prepare" else set()
    assert versions == {"ganflow.lock": sorted(libraries_of(stage) - unused)}


def libraries_of(stage: str) -> set[str]:
    """The libraries in ganflow.lock that a stage's code imports."""
    found: set[str] = set()
    for path in code_of(stage):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return {{"PIL": "pillow"}.get(name, name) for name in found} & set(LIBRARIES)


@pytest.mark.parametrize("stage", STAGES)
def test_data_dependencies_are_the_folders_it_reads(stage: str) -> None:
    """A stage names the folders of ganflow.base.paths that it reads and writes."""
    from ganflow.base import paths

    tree = ast.parse((SOURCE / "stages" / f"{stage}.py").read_text())
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "ganflow.base.paths"
        for alias in node.names
    }
    used = {getattr(paths, name).as_posix() for name in names}
    stated = {
        "/".join(path.split("/")[:2])
        for path in [*STAGES[stage]["deps"], *outputs(stage)]
        if path.startswith("data/")
    }
    assert used == stated


def outputs(stage: str) -> list[str]:
    entries = [e for kind in ("outs", "metrics", "plots") for e in STAGES[stage].get(kind, [])]
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def test_no_stage_imports_another_or_what_lies_above() -> None:
    above = ("versions", "incoming", "orchestration", "studio", "live")
    for stage in STAGES:
        for path in code_of(stage):
            place = path.relative_to(SOURCE).parts
            assert place[0] not in above, f"{stage} imports {path}"
            assert place[0] != "stages" or place[-1] == f"{stage}.py", f"{stage} imports {path}"


def test_only_orchestration_imports_prefect_and_nothing_imports_flows() -> None:
    for path in SOURCE.rglob("*.py"):
        above = ("flows",) if "orchestration" in path.parts else ("flows", "prefect")
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            assert not any(name.split(".")[0] in above for name in names), path


def _short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_parameter_has_a_name_that_the_run_cache_overlooks() -> None:
    """DVC leaves these names out of the run cache's key, parameters or not (its issue 10296).

    A stage would be served what it once made of another value.
    """
    schema = Params.model_json_schema()
    names = {name for path in SchemaNode(schema, schema).paths() for name in path}
    assert "resolution" in names
    assert not names & {Meta.PARAM_SIZE, Meta.PARAM_NFILES}
