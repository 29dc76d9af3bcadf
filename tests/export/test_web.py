"""The web page's own engine makes TensorFlow's pixels, up to what float16 loses."""

import json
import os
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.export import formats
from ganflow.export.formats import check, export
from ganflow.export.web import in_half_precision
from ganflow.gan.networks.design import Design
from ganflow.gan.saved import load_generator
from ganflow.marks import read_mark
from tests.export.models import own_design, saved

DESIGNS = [
    Design("lean", (12, 10, 3), 3, 6, mapping=2),
    Design("article", (10, 8, 1), 0, 6),
    Design("residual", (20, 16, 3), 2, 6, mapping=1),
]


@pytest.mark.system  # the group has Playwright, which brings Node.js
@pytest.mark.parametrize("design", [*DESIGNS, None])
def test_the_engine_makes_the_same_pixels(
    tmp_path: Path, design: Design | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import playwright

    driver = Path(playwright.__file__).parent / "driver"
    monkeypatch.setenv("PATH", str(driver), prepend=os.pathsep)
    own = None
    if design is None:
        design, own = own_design()
    model = saved(tmp_path / "model", design, own)
    found = export(model, tmp_path / "page.html", "web")
    assert found.checked == "a fresh process of node"
    assert found.difference <= 2
    # and would have seen others
    generator = load_generator(model)
    for weight in generator.model.trainable_weights:
        weight.assign(-weight)
    assert check(generator, found.path, "web")[0] > 2


def test_without_node_tensorflow_says_what_float16_loses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = saved(tmp_path / "model", DESIGNS[0])
    monkeypatch.setattr(formats.shutil, "which", lambda _: None)
    found = export(model, tmp_path / "page.html", "web")
    assert found.checked == "TensorFlow with weights in float16"
    assert found.difference <= 2
    generator = load_generator(model)
    latents, labels = np.ones((2, 6), np.float32), np.array([0, 1])
    before = generator.images(latents, labels)
    in_half_precision(generator, latents, labels)
    assert np.array_equal(generator.images(latents, labels), before)


def test_the_page_asks_for_nothing_and_has_its_names_and_its_mark(tmp_path: Path) -> None:
    model = saved(tmp_path / "model", DESIGNS[0])
    export(model, tmp_path / "<b>.html", "web")
    text = (tmp_path / "<b>.html").read_text()
    assert "<title>&lt;b&gt;</title>" in text
    assert not re.search(r"(src|href)=\"(?!data:,)", text)
    facts = json.loads(re.search(r'id="model">(.*?)</script>', text)[1])  # type: ignore[index]
    assert facts["classes"] == ["<0>", "<1>", "<2>"]
    mark = read_mark(text.encode())
    assert mark is not None
    assert mark.unchanged
    assert mark.card in text.split("</main>")[1]


def test_a_weight_beyond_float16_is_refused(tmp_path: Path) -> None:
    latents = keras.Input((5,))
    x = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64, name="large")(latents))
    own = keras.Model([latents], keras.ops.tanh(x))
    own.get_layer("large").bias.assign([1e6] * 64)
    model = saved(tmp_path / "model", Design("own:build", (8, 8, 1), 0, 5), own)
    with pytest.raises(DataError, match="too large for float16") as error:
        export(model, tmp_path / "page.html", "web")
    assert "large" in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ends in \.html"):
        export(tmp_path, tmp_path / "page", "web")
