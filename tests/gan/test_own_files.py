"""Only code that lies in the project, and that DVC hashes, is run."""

import sys
from pathlib import Path

import pytest

from ganflow.base.errors import GanflowError, ParameterError
from ganflow.base.files import sha256_of
from ganflow.gan.own_files import file_of, function_of, importing, require_files, require_listed

KEY = "model.architecture"
DEPS = "stages:\n  train:\n    deps:\n      - data/prepared\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_module_is_a_file_of_the_project(tmp_path: Path) -> None:
    file = write(tmp_path / "my/pkg/mod.py", "")
    assert file_of(KEY, "my.pkg.mod:build", tmp_path) == file
    with pytest.raises(ParameterError, match=r"is in absent\.py, which is not there"):
        file_of(KEY, "absent:build", tmp_path)


def test_a_link_out_of_the_project_is_refused(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    outside = write(tmp_path / "outside.py", "raise SystemExit('it ran')")
    (project / "linked.py").symlink_to(outside)
    (project / "folder").symlink_to(tmp_path)
    for name in ("linked:build", "folder.outside:build"):
        with pytest.raises(ParameterError, match="leads out of the project"):
            file_of(KEY, name, project)


@pytest.mark.parametrize("name", ["json", "keras", "ganflow", "pytest", "_bisect"])
def test_a_name_of_another_module_is_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path / f"{name}.py", "")
    with pytest.raises(ParameterError, match="could be another module of the same name"):
        file_of(KEY, f"{name}:build", tmp_path)


def test_a_package_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "own_twice.py", "def build(): ...")
    write(tmp_path / "own_twice/__init__.py", "def build(): ...")
    with importing(tmp_path), pytest.raises(ParameterError, match="is not a function; own_twice"):
        function_of(KEY, "own_twice:build", tmp_path)


def test_all_files_that_are_imported_are_found_also_within_a_function(tmp_path: Path) -> None:
    write(tmp_path / "own_a.py", "import own_b.c\ndef build():\n    import own_d\n    return 7\n")
    write(tmp_path / "own_b/c.py", "import json\n")
    write(tmp_path / "own_d.py", "")
    write(tmp_path / "own_unused.py", "")
    with importing(tmp_path) as files:
        assert function_of(KEY, "own_a:build", tmp_path)() == 7
    found = {tmp_path / "own_a.py", tmp_path / "own_b/c.py", tmp_path / "own_d.py"}
    assert files == {file: sha256_of(file) for file in found}
    assert not list(tmp_path.rglob("__pycache__")), "it would change a folder that is hashed"
    assert str(tmp_path) not in sys.path


def test_an_edited_file_is_imported_again(tmp_path: Path) -> None:
    for value in (1, 2):
        write(tmp_path / "own_edited.py", "from own_helper import build\n")
        write(tmp_path / "own_helper.py", f"def build():\n    return {value}\n")
        with importing(tmp_path) as files:
            assert function_of(KEY, "own_edited:build", tmp_path)() == value
        assert len(files) == 2


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("x = 1\n1 / 0\n", "ZeroDivisionError: division by zero", 2),
        ("def build(:\n", "SyntaxError", 1),
        ("import sys\nsys.exit('no')\n", "SystemExit: no", 2),
        ("import absent_module\n", "No module named 'absent_module'", 1),
    ],
)
def test_a_file_that_cannot_be_imported_names_its_line(
    text: str, said: str, line: int, tmp_path: Path
) -> None:
    write(tmp_path / "own_broken.py", text)
    with importing(tmp_path), pytest.raises(GanflowError, match=said) as raised:
        function_of(KEY, "own_broken:build", tmp_path)
    assert raised.value.where == f"{tmp_path / 'own_broken.py'}, line {line}"


def test_what_is_no_function_is_named_with_those_that_are(tmp_path: Path) -> None:
    write(tmp_path / "own_number.py", "build = 3\ndef build_it(): ...\n")
    with importing(tmp_path), pytest.raises(ParameterError) as raised:
        function_of(KEY, "own_number:build", tmp_path)
    assert raised.value.expected == "a function build; there is build_it"


@pytest.mark.parametrize(
    ("dependency", "is_there"),
    [("nets/a.py", True), ("nets", True), ("nets/b.py", False), ("net", False)],
)
def test_files_must_be_dependencies(dependency: str, is_there: bool, tmp_path: Path) -> None:
    write(tmp_path / "nets/a.py", "")
    write(tmp_path / "dvc.yaml", DEPS + f"      - {dependency}\n")
    if is_there:
        require_files({KEY: "nets.a:build"}, tmp_path)
        return
    with pytest.raises(ParameterError) as raised:
        require_files({KEY: "nets.a:build"}, tmp_path)
    # The lines that it prints are all that is missing.
    _, _, lines = str(raised.value.expected).partition("\n")
    write(tmp_path / "dvc.yaml", f"{DEPS}{lines}\n")
    require_files({KEY: "nets.a:build"}, tmp_path)


def test_without_dvc_nothing_is_recorded_and_nothing_is_required(tmp_path: Path) -> None:
    require_listed(["a.py"], tmp_path)
