"""onnxruntime, without TensorFlow, makes TensorFlow's images."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ganflow.export.formats import export
from ganflow.gan.networks.design import Design
from ganflow.gan.saved import images_of, load_generator
from ganflow.marks import identity, read_mark
from tests.export.models import saved

pytestmark = pytest.mark.system  # the group has ONNX

DESIGNS = [
    Design("lean", (12, 10, 3), 3, 6, mapping=2),
    Design("article", (10, 8, 1), 0, 6),
    Design("residual", (20, 16, 3), 2, 6),
]


@pytest.mark.parametrize("design", DESIGNS)
def test_256_images_are_those_of_tensorflow(tmp_path: Path, design: Design) -> None:
    import onnx

    model = saved(tmp_path / "model", design)
    found = export(model, tmp_path / "model.onnx", "onnx")
    assert found.difference <= 1e-4 * 127.5
    read = onnx.load(found.path)
    given = {one.name for one in read.graph.input}
    assert given == {"latents", "truncation"} | ({"labels"} if design.classes else set())
    assert [one.name for one in read.graph.output] == ["images"]
    [classes] = [one.value for one in read.metadata_props if one.key == "classes"]
    assert len(json.loads(classes)) == design.classes
    assert read_mark(found.path.read_bytes()) == (*identity(model).split(), True)


def test_truncation_and_any_number_of_latents(tmp_path: Path) -> None:
    import onnxruntime

    folder = saved(tmp_path / "model", DESIGNS[0])
    export(folder, tmp_path / "model.onnx", "onnx")
    generator = load_generator(folder)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for count in (1, 3):
        latents, labels = np.full((count, 6), 0.8, np.float32), np.arange(count)
        asked = {"latents": latents, "labels": labels, "truncation": np.array(0.5, np.float32)}
        [images] = session.run(None, asked)
        expected = np.asarray(images_of(generator.model, 3, 0.5 * latents, labels))
        assert images.shape == (count, 12, 10, 3)
        assert np.abs(images - expected).max() < 1e-5


def test_its_reader_does_not_import_tensorflow() -> None:
    code = "import sys, ganflow.export.reading; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
