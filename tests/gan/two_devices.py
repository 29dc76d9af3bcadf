"""Plays the same games on one device and on two, and prints what became of them as JSON.

In a process of its own, as devices must be cut before TensorFlow begins.
"""

import json
from typing import Any

import numpy as np
import tensorflow as tf

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.experimental.enable_op_determinism()

from ganflow.config.train import Train  # noqa: E402
from ganflow.gan import replicas, training  # noqa: E402
from ganflow.gan.checkpoint import Checkpoints  # noqa: E402
from ganflow.gan.networks.design import Design  # noqa: E402
from ganflow.gan.networks.layers import BatchNorm, Dropout  # noqa: E402
from ganflow.gan.snapshots import Judge  # noqa: E402
from ganflow.gan.trainer import Game  # noqa: E402
from ganflow.gan.workers import ALONE, Workers, mirrored  # noqa: E402
from tests.gan.tiny import extractor, images  # noqa: E402

BATCH, STEPS = 8, 5
BOTH = Workers(mirrored("CPU"))

EVERYTHING: dict[str, Any] = {
    "augmentation": ["color", "translation", "cutout"],
    "objective": "relativistic",
    "penalties": {
        name: {"weight": 0.1, "interval": 2}
        for name in ("r1", "r2", "js", "gradient_penalty", "latent")
    },
}


def played(workers: Workers, design: Design, precision: Any, **params: Any) -> dict[str, Any]:
    train = Train.model_validate({"images": 100 * BATCH, "batch": BATCH, **params})
    with workers.strategy.scope():
        game = Game(design, train, precision, 3)
    pixels, labels = images(STEPS * BATCH, 0)
    figures = [
        game.play(pixels[rows], labels[rows], np.int64(step)).numpy().tolist()
        for step in range(STEPS)
        for rows in [slice(step * BATCH, (step + 1) * BATCH)]
    ]
    state = {name: value.numpy() for name, value in game.state().items()}
    return {"figures": figures, "state": state, "apart": _apart(workers, game)}


def _apart(workers: Workers, game: Game) -> list[str]:
    """Variables that are not the same to the bit in all replicas."""
    found = []
    for name, variable in game.state().items():
        first, *others = workers.strategy.experimental_local_results(variable)
        if not all((first.numpy() == other.numpy()).all() for other in others):
            found.append(name)
    return found


def games(design: Design, precision: Any, **params: Any) -> dict[str, Any]:
    alone, both = (played(workers, design, precision, **params) for workers in (ALONE, BOTH))
    return {
        "alone": alone["figures"],
        "both": both["figures"],
        "apart": both["apart"],
        "weights": max(
            float(np.abs(value - both["state"][name]).max())
            for name, value in alone["state"].items()
            if name.split("/")[0] in ("generator", "discriminator", "averaged")
            and value.dtype == np.float32
        ),
    }


def normalised(workers: Workers, inputs: np.ndarray, cut: bool = True) -> list[Any]:
    """Outputs, running moments, and the gradient of a sum with unequal weights."""
    numbers = np.random.default_rng(1)
    weights = tf.constant(numbers.standard_normal(inputs.shape), tf.float32)
    with workers.strategy.scope():
        layer = BatchNorm(momentum=0.5)
        layer.build(inputs.shape)

    def learn(rows: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
        if cut:
            rows, weights = replicas.own(rows), replicas.own(weights)
        with tf.GradientTape() as tape:
            tape.watch(rows)
            outputs = layer(rows, training=True)
            # a replica's mean, as every loss is
            loss = tf.reduce_sum(tf.tanh(outputs) * weights) / rows.shape[0]
        slope, scale = tape.gradient(loss, [rows, layer.scale.value])
        return outputs, slope / len(inputs) * rows.shape[0], replicas.mean(scale)

    run = tf.function(lambda: workers.strategy.run(learn, (tf.constant(inputs), weights)))
    outputs, slope, scale = (
        [part.numpy() for part in workers.strategy.experimental_local_results(value)]
        for value in run()
    )
    return [
        np.concatenate(outputs).tolist(),
        np.concatenate(slope).tolist(),
        scale[0].tolist(),
        layer.mean.numpy().tolist(),
        layer.variance.numpy().tolist(),
    ]


def interrupted(workers: Workers) -> dict[str, Any]:
    """A game that is saved after three steps, loses every weight, and goes on; and its quality."""
    with workers.strategy.scope():
        train = Train(images=100 * BATCH, batch=BATCH)
        game = Game(Design("lean", (8, 8, 1), 2, 6), train, "float32", 3)
    pixels, labels = images(STEPS * BATCH, 0)
    saved = Checkpoints("two")

    def play(first: int, steps: int) -> list[float]:
        rows = slice(first * BATCH, (first + steps) * BATCH)
        return game.play(pixels[rows], labels[rows], np.int64(first)).numpy().tolist()  # type: ignore[no-any-return]

    play(0, 3)
    training._save(game, training.History(), 3, saved)
    figures = [play(3, 2)]
    for variable in game.state().values():
        variable.assign(tf.zeros_like(variable))
    _, done = training._resume(game, saved)
    figures.append(play(done, 2))
    judge = Judge(extractor(), images(60, 1)[0], [0.5, 0.5], 3)
    return {
        "done": done,
        "figures": figures,
        "apart": _apart(workers, game),
        "fd": judge.snapshot(game, 5 * BATCH).fd,
    }


def dropped(workers: Workers) -> Any:
    with workers.strategy.scope():
        layer = Dropout(0.5, seed=4)

    def drop() -> tf.Tensor:
        return layer(replicas.own(tf.ones((6, 3, 3, 2))), training=True)

    run = tf.function(lambda: workers.strategy.run(drop))
    parts = workers.strategy.experimental_local_results(run())
    return np.concatenate([part.numpy() for part in parts]).tolist()


def main() -> None:
    maps = np.random.default_rng(0).normal(2.0, 1.5, (6, 4, 3, 5)).astype(np.float32)
    every = Design("article", (8, 8, 1), 2, 6, mapping=2, spectral_norm=True)
    lean = Design("lean", (8, 8, 1), 2, 6)
    found = {
        "default": games(lean, "float32"),
        "everything": games(every, "float32", **EVERYTHING),
        "float16": games(lean, "float16"),
        "maps": [normalised(ALONE, maps), normalised(BOTH, maps)],
        "vectors": [normalised(ALONE, maps[:, 0, 0]), normalised(BOTH, maps[:, 0, 0])],
        "interrupted": [interrupted(ALONE), interrupted(BOTH)],
        "dropout": [dropped(ALONE), dropped(BOTH)],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
