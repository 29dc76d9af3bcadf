"""Exports are read back by a fresh process, and a wrong one is refused."""

from pathlib import Path

import pytest
import tensorflow as tf

from ganflow.base.errors import DataError
from ganflow.export import formats as module
from ganflow.export.formats import Format, check, export, write_saved_model
from ganflow.export.origin import Origin
from ganflow.gan.networks.design import Design
from ganflow.gan.saved import load_generator
from ganflow.marks import identity
from tests.export.models import saved


@pytest.mark.parametrize(
    ("form", "design"),
    [
        ("keras", Design("lean", (12, 10, 3), 3, 6, mapping=2)),
        ("keras", Design("residual", (16, 16, 1), 0, 6)),
        ("saved_model", Design("lean", (12, 10, 3), 3, 6)),
        ("saved_model", Design("article", (8, 8, 1), 0, 6)),
    ],
)
@pytest.mark.slow
def test_a_fresh_process_makes_the_same_pixels(
    tmp_path: Path, form: Format, design: Design
) -> None:
    model = saved(tmp_path / "model", design)
    found = export(model, tmp_path / "out", form)
    assert found.difference <= 1
    assert found.path.exists()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [found.path.name]


def test_the_saved_model_takes_any_number_of_latents(tmp_path: Path) -> None:
    model = saved(tmp_path / "model", Design("lean", (8, 8, 1), 2, 5))
    generator = load_generator(model)
    write_saved_model(Origin(model, generator, identity(model), None, ""), tmp_path)
    serve = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    for count in (1, 3):
        images = serve(latents=tf.zeros((count, 5)), labels=tf.zeros(count, tf.int64))["images"]
        assert images.shape == (count, 8, 8, 1)
        assert images.dtype == tf.uint8


def test_other_pixels_are_found_and_a_broken_file_is_named(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", Design("lean", (8, 8, 1), 0, 5))
    generator = load_generator(folder)
    path = tmp_path / "generator.keras"
    generator.model.save(path)
    for weight in generator.model.trainable_weights:
        weight.assign(-weight)
    assert check(generator, path, "keras")[0] > 1
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="fresh process") as error:
        check(generator, path, "keras")
    assert str(path) in str(error.value.where)


def test_a_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = saved(tmp_path / "model", Design("lean", (8, 8, 1), 0, 5))
    monkeypatch.setattr(module, "check", lambda *_: (9, "nobody"))
    with pytest.raises(DataError, match="differ by up to 9"):
        export(model, tmp_path / "out", "keras")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_export_replaces_nothing(tmp_path: Path) -> None:
    model = saved(tmp_path / "model", Design("lean", (8, 8, 1), 0, 5))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/kept").write_text("mine")
    with pytest.raises(DataError, match="something here already"):
        export(model, tmp_path / "out", "keras")
    assert (tmp_path / "out/kept").read_text() == "mine"
