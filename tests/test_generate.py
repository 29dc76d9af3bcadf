"""The files that `ganflow generate` writes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganflow.base.errors import DataError, GanflowError
from ganflow.generate import check_target, model_folder, write_images

MODEL = f"{'ab' * 32} {'cd' * 16}"


def images(count: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 6, 5, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_folder_has_a_picture_each_in_order(tmp_path: Path, channels: int) -> None:
    wanted = images(11, channels)
    write_images(tmp_path / "out", wanted, None, MODEL)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"{place:02d}.png" for place in range(11)]
    for name, image in zip(names, wanted, strict=True):
        found = np.asarray(Image.open(tmp_path / "out" / name)).reshape(image.shape)
        assert np.array_equal(found, image)


@pytest.mark.parametrize("labels", [None, np.array(["cat", "dog"])])
def test_an_array_file_has_the_labels_that_there_are(
    tmp_path: Path, labels: np.ndarray | None
) -> None:
    wanted = images(2)
    write_images(tmp_path / "out.npz", wanted, labels, MODEL)
    with np.load(tmp_path / "out.npz", allow_pickle=False) as found:
        assert np.array_equal(found["images"], wanted)
        assert ("labels" in found) == (labels is not None)


def test_a_grid_is_one_picture(tmp_path: Path) -> None:
    write_images(tmp_path / "grid.png", images(9), None, MODEL)
    with Image.open(tmp_path / "grid.png") as found:
        assert found.width >= 15
        assert found.height >= 18


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.png").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for taken in ("full", "full/mine.png"):
        with pytest.raises(DataError, match="would replace"):
            check_target(tmp_path / taken)
    check_target(tmp_path / "empty")
    check_target(tmp_path / "new")


def test_a_model_is_a_folder_or_a_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_folder(None) == Path("data/model")
    assert model_folder(str(tmp_path)) == tmp_path
    with pytest.raises(GanflowError, match="or a folder with a model"):
        model_folder("neither")
