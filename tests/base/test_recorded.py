"""DVC's own hashes, compared with DVC."""

import subprocess
import sys
from pathlib import Path

import yaml

from ganflow.base.recorded import folder_hash, recorded_hash


def test_a_folder_has_the_hash_that_dvc_gives_it(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    for name in ("card.json", "a/2.png", "a/10.png", "a-b/1.png", "ä.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    for words in (["init", "--no-scm"], ["add", "model"]):
        subprocess.run(
            [sys.executable, "-m", "dvc", *words], cwd=tmp_path, check=True, capture_output=True
        )
    added = yaml.safe_load((tmp_path / "model.dvc").read_text())
    assert folder_hash(folder) == added["outs"][0]["md5"]


def test_what_is_not_recorded_has_no_hash(tmp_path: Path) -> None:
    assert recorded_hash(tmp_path / "gone", Path("data/model")) is None
    (tmp_path / "dvc.lock").write_text("")
    assert recorded_hash(tmp_path, Path("data/model")) is None
