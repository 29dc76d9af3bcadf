"""A look in the project's folder: what it finds, and what it needs for it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.base.store import Store
from ganflow.incoming import look as module
from ganflow.incoming.drift import Levels
from ganflow.incoming.look import look, main, not_measurable, read_result
from tests.incoming.sets import blobs, write_pictures


@pytest.fixture
def project(store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = store.folder.parents[1]
    monkeypatch.chdir(folder)
    return folder


def test_the_result_is_a_file_that_is_read_back(project: Path, tmp_path: Path) -> None:
    """Without levels, nothing is tested, and the extractor is not loaded."""
    write_pictures(tmp_path / "new", {"left": blobs(3, 3, 30), "top": blobs(2, 5, 31)})
    main(str(tmp_path / "new"), str(tmp_path / "result.json"), "0", "0")
    found = read_result(tmp_path / "result.json")
    assert found == look(tmp_path / "new", Levels())
    assert found.new_classes == {"top": 2}


def test_a_drift_is_found_with_the_project_s_own_extractor(
    project: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganflow.features.classifier import network
    from ganflow.features.extractor import Extractor, save_extractor

    classes = list(store.classes)
    first = network(store.shape, 8, len(classes))  # random features are enough to see a turn
    weights = {variable.path: variable.numpy() for variable in first.trainable_variables}
    card = {"shape": store.shape, "features": 8, "classes": classes}
    extractor = Extractor(weights, {**card, "source": store.card["sha256"]})
    monkeypatch.setattr(module, "EXTRACTOR", tmp_path / "extractor")
    monkeypatch.setattr(module, "configure", lambda runtime: None)  # this process has begun
    save_extractor(tmp_path / "extractor", extractor)
    same = {"left": blobs(40, 3, 32), "right": blobs(40, 8, 33)}
    write_pictures(tmp_path / "same", same)
    write_pictures(tmp_path / "other", {"": np.rot90(np.concatenate([*same.values()]), 1, (1, 2))})
    levels = Levels(drift=1e-3, class_share=1e-3)
    quiet = look(tmp_path / "same", levels)
    assert quiet.features is not None
    assert quiet.drifted == []
    other = look(tmp_path / "other", levels)
    assert other.features is not None
    assert other.features.rejects
    save_extractor(tmp_path / "extractor", Extractor(weights, {**card, "source": "0"}))
    with pytest.raises(DataError, match="was trained on data 0"):
        look(tmp_path / "same", levels)


def test_what_is_missing_for_a_look_is_said(tmp_path: Path, store: Store) -> None:
    assert "there is no data/prepared" in not_measurable(tmp_path)
    shutil.copytree(store.folder, tmp_path / "data/prepared")
    assert "there is no data/extractor" in not_measurable(tmp_path)
    (tmp_path / "data/extractor").mkdir()
    (tmp_path / "data/extractor/card.json").write_text("{}")
    assert not_measurable(tmp_path) == ""
    card = tmp_path / "data/prepared/dataset.json"
    card.write_text(json.dumps({**store.card, "stacked": {"images": 10}}))
    assert "stacks of three" in not_measurable(tmp_path)
