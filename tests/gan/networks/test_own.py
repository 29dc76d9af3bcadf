"""A generator of one's own in a model's folder is a description, and holds no code."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ganflow.base.errors import DataError, GanflowError
from ganflow.base.files import read_json, write_json
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.layers import BatchNorm
from ganflow.gan.networks.own import described, own_networks, rebuilt
from ganflow.gan.saved import LAYERS, load_generator, save_networks

DESIGN = Design("mine:build", (8, 8, 1), 3, 5)


def build(design: Design, policy: keras.DTypePolicy) -> tuple[keras.Model, keras.Model]:
    latents, labels = keras.Input((5,)), keras.Input((), dtype="int64")
    x = keras.ops.multiply(latents, keras.layers.Embedding(3, 5, "ones")(labels))
    x = BatchNorm(dtype=policy)(keras.layers.Dense(64, activation="relu", dtype=policy)(x))
    x = keras.ops.tanh(keras.layers.Reshape((8, 8, 1))(x))[:, ::-1]
    images = keras.Input((8, 8, 1))
    logits = keras.layers.Dense(1)(keras.layers.Flatten()(images))
    logits = logits + keras.layers.Embedding(3, 1)(labels)
    return keras.Model([latents, labels], x), keras.Model([images, labels], logits)


def saved(folder: Path) -> keras.Model:
    generator, discriminator = own_networks(build, DESIGN, keras.DTypePolicy("float32"))
    card = {"design": DESIGN.__dict__, LAYERS: described(generator, DESIGN)}
    save_networks(folder, generator, discriminator, card)
    return generator


def test_a_folder_is_enough_to_load_a_generator(tmp_path: Path) -> None:
    model = saved(tmp_path)
    generator = load_generator(tmp_path)
    latents = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)
    labels = np.array([0, 1, 2, 0])
    expected = (model([latents, labels]).numpy() + 1) * 127.5
    assert np.abs(generator.images(latents, labels) - expected).max() <= 0.51
    assert load_generator(tmp_path).images(latents, labels).std() > 1


def nested(config: Any, name: str, changed: dict[str, Any]) -> Any:
    """A description in which the first value of `name` is another one."""
    text = json.dumps(config)
    place = text.index(f'"{name}": ') + len(name) + 4
    _, end = json.JSONDecoder().raw_decode(text, place)
    return json.loads(text[:place] + json.dumps(changed) + text[end:])


@pytest.mark.parametrize(
    "changed",
    [
        {"module": "os", "class_name": "system", "config": "true", "registered_name": None},
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"module": "keras", "class_name": "function", "config": "utils.get_file"},
        {"module": "keras.layers", "class_name": "Lambda", "config": {}},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "x"}},
        {"module": "keras.src.utils.file_utils", "class_name": "get_file", "config": {}},
        {"module": None, "class_name": "Lambda", "config": {}},
        {"class_name": "__lambda__", "config": {"value": "AAAA"}},
    ],
    ids=lambda changed: f"{changed.get('module')}.{changed['class_name']}",
)
def test_a_card_that_names_code_is_refused(changed: dict[str, Any], tmp_path: Path) -> None:
    saved(tmp_path)
    card = read_json(tmp_path / "card.json")
    card[LAYERS] = nested(card[LAYERS], "embeddings_initializer", changed)
    write_json(tmp_path / "card.json", card)
    with pytest.raises(DataError, match="names what is no layer of Keras or ganflow"):
        load_generator(tmp_path)


def test_a_damaged_description_is_an_error_for_the_user() -> None:
    with pytest.raises(DataError, match="cannot build the generator"):
        rebuilt({"module": "keras.src.models.functional", "class_name": "Functional", "config": 3})


def test_a_mapping_needs_its_layer() -> None:
    design = Design("mine:build", (8, 8, 1), 3, 5, mapping=2)
    with pytest.raises(GanflowError, match="has no layer `mapped`"):
        own_networks(build, design, keras.DTypePolicy("float32"))


@keras.saving.register_keras_serializable("tests")
class Doubled(keras.layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs * 2.0


def test_a_layer_of_ones_own_is_refused_though_keras_knows_it() -> None:
    """This process has it registered; another that reads the model does not."""
    latents = keras.Input((5,))
    with pytest.raises(GanflowError, match=r"a model cannot hold: .*Doubled"):
        described(keras.Model(latents, Doubled()(latents)), DESIGN)
