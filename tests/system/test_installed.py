"""What the other proofs rest on: they run the wheel, and nothing of a checkout."""

from pathlib import Path

import pytest

from tests.flows.conftest import ROOT
from tests.system.installed import Installed

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

WHERE = "import ganflow, numpy; print(ganflow.__file__, numpy.__file__)"


def test_the_package_is_the_wheels(installed: Installed, tmp_path: Path) -> None:
    assert not [folder for folder in installed.folder.parents if (folder / ".git").exists()]
    ours, others = map(Path, installed.run("python", "-c", WHERE, cwd=tmp_path).split())
    assert ours == installed.package / "__init__.py"
    assert ours.is_relative_to(installed.folder)
    assert not others.is_relative_to(installed.folder)
    path = installed.run("python", "-c", "import sys; print(*sys.path, sep='\\n')", cwd=tmp_path)
    assert str(ROOT / "src") not in path.splitlines()


def test_the_programs_are_its_own(installed: Installed, tmp_path: Path) -> None:
    for name in ("python", "ganflow", "dvc", "prefect"):
        found = installed.run("sh", "-c", f"command -v {name}", cwd=tmp_path)
        assert found.strip() == str(installed.bin / name)


def test_a_stage_runs_the_wheel(installed: Installed, tmp_path: Path) -> None:
    stage = f'cmd: python -c "{WHERE}" > where\n    outs: [where]\n'
    (tmp_path / "dvc.yaml").write_text(f"stages:\n  where:\n    {stage}")
    installed.run("dvc", "init", "--quiet", "--no-scm", cwd=tmp_path)
    installed.run("dvc", "repro", "--quiet", cwd=tmp_path)
    assert (tmp_path / "where").read_text().split()[0] == str(installed.package / "__init__.py")
