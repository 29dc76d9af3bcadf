"""Runs the same trainings on one device and on two, and prints the results as JSON.

It needs a process of its own, because logical devices are made before TensorFlow starts.
"""

import json
from typing import Any

import numpy as np
import tensorflow as tf

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.experimental.enable_op_determinism()

from ganflow.config.train import TrainParams  # noqa: E402
from ganflow.gan import replicas, training  # noqa: E402
from ganflow.gan.checkpoint import Checkpoints  # noqa: E402
from ganflow.gan.networks.design import Design  # noqa: E402
from ganflow.gan.networks.layers import BatchNorm, Dropout  # noqa: E402
from ganflow.gan.snapshots import SnapshotEvaluator  # noqa: E402
from ganflow.gan.trainer import Trainer  # noqa: E402
from ganflow.gan.workers import SINGLE, Workers, mirrored  # noqa: E402
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


def trained(workers: Workers, design: Design, precision: Any, **params: Any) -> dict[str, Any]:
    train = TrainParams.model_validate({"images": 100 * BATCH, "batch": BATCH, **params})
    with workers.strategy.scope():
        trainer = Trainer(design, train, precision, 3)
    pixels, labels = images(STEPS * BATCH, 0)
    metrics = [
        trainer.train_steps(pixels[rows], labels[rows], np.int64(step)).numpy().tolist()
        for step in range(STEPS)
        for rows in [slice(step * BATCH, (step + 1) * BATCH)]
    ]
    state = {name: value.numpy() for name, value in trainer.state().items()}
    return {"metrics": metrics, "state": state, "apart": _apart(workers, trainer)}


def _apart(workers: Workers, trainer: Trainer) -> list[str]:
    """Variables that are not the same to the bit in all replicas."""
    found = []
    for name, variable in trainer.state().items():
        first, *others = workers.strategy.experimental_local_results(variable)
        if not all((first.numpy() == other.numpy()).all() for other in others):
            found.append(name)
    return found


def trainings(design: Design, precision: Any, **params: Any) -> dict[str, Any]:
    alone, both = (trained(workers, design, precision, **params) for workers in (SINGLE, BOTH))
    return {
        "alone": alone["metrics"],
        "both": both["metrics"],
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
    rng = np.random.default_rng(1)
    weights = tf.constant(rng.standard_normal(inputs.shape), tf.float32)
    with workers.strategy.scope():
        layer = BatchNorm(momentum=0.5)
        layer.build(inputs.shape)

    def learn(rows: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
        if cut:
            rows, weights = replicas.local_shard(rows), replicas.local_shard(weights)
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
    """Train three steps, save, set all weights to zero, load, and train on; with the distance."""
    with workers.strategy.scope():
        params = TrainParams(images=100 * BATCH, batch=BATCH)
        trainer = Trainer(Design("lean", (8, 8, 1), 2, 6), params, "float32", 3)
    pixels, labels = images(STEPS * BATCH, 0)
    saved = Checkpoints("two")

    def train(first: int, steps: int) -> list[float]:
        rows = slice(first * BATCH, (first + steps) * BATCH)
        return trainer.train_steps(pixels[rows], labels[rows], np.int64(first)).numpy().tolist()  # type: ignore[no-any-return]

    train(0, 3)
    training._save(trainer, training.History(), 3, saved)
    metrics = [train(3, 2)]
    for variable in trainer.state().values():
        variable.assign(tf.zeros_like(variable))
    _, step = training._resume(trainer, saved, None, 0)
    metrics.append(train(step, 2))
    evaluator = SnapshotEvaluator(trainer, extractor(), images(60, 1)[0], [0.5, 0.5], 3)
    return {
        "step": step,
        "metrics": metrics,
        "apart": _apart(workers, trainer),
        "fd": evaluator.snapshot(5 * BATCH).fd,
    }


def dropped(workers: Workers) -> Any:
    with workers.strategy.scope():
        layer = Dropout(0.5, seed=4)

    def drop() -> tf.Tensor:
        return layer(replicas.local_shard(tf.ones((6, 3, 3, 2))), training=True)

    run = tf.function(lambda: workers.strategy.run(drop))
    parts = workers.strategy.experimental_local_results(run())
    return np.concatenate([part.numpy() for part in parts]).tolist()


def main() -> None:
    maps = np.random.default_rng(0).normal(2.0, 1.5, (6, 4, 3, 5)).astype(np.float32)
    every = Design("article", (8, 8, 1), 2, 6, mapping=2, spectral_norm=True)
    lean = Design("lean", (8, 8, 1), 2, 6)
    found = {
        "default": trainings(lean, "float32"),
        "everything": trainings(every, "float32", **EVERYTHING),
        "float16": trainings(lean, "float16"),
        "maps": [normalised(SINGLE, maps), normalised(BOTH, maps)],
        "vectors": [normalised(SINGLE, maps[:, 0, 0]), normalised(BOTH, maps[:, 0, 0])],
        "interrupted": [interrupted(SINGLE), interrupted(BOTH)],
        "dropout": [dropped(SINGLE), dropped(BOTH)],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
