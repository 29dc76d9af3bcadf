"""How fast the step is, against other ways to train the same networks on the same machine.

    python -m benchmarks.train_step --json

PyTorch is compared where it is installed (`make bench-setup`). All rivals take turns in one
run; a ratio is the median over rounds of throughputs measured next to each other.
"""

import os
import tempfile
import time
from collections.abc import Iterable
from importlib import util
from typing import Any

import numpy as np

from benchmarks.harness import command, seconds_of, summary
from ganflow.base.runtime import Precision, RuntimeParams, configure, has_bfloat16, threads

ARTICLE_BATCH, DEFAULT_BATCH = 256, 64
STEPS = 2
MATRIX = 2048


def measure(rounds: int = 9) -> dict[str, Any]:
    configure(RuntimeParams())
    import tensorflow as tf

    tf.random.set_seed(0)
    precisions: list[Precision] = ["bfloat16", "float32"] if has_bfloat16() else ["float32"]
    numbers, speeds = {}, {}
    for precision in precisions:
        prefix = "" if precision == precisions[0] else f"{precision}_"
        found, speeds[precision] = compare(precision, rounds)
        numbers |= {f"{prefix}{name}": round(value, 4) for name, value in found.items()}
    return {
        **numbers,
        "precision": precisions[0],
        "loop_overhead": round(loop_overhead(precisions[0], rounds), 4),
        "live_overhead": round(live_overhead(precisions[0], rounds), 4),
        "images_per_second": speeds,
    }


def compare(precision: Precision, rounds: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Ratios of this engine to its rivals in one precision, and everybody's images a second."""
    from benchmarks.rivals import keras_step, torch_step

    policy = precision if precision == "float32" else f"mixed_{precision}"
    pixels = images(ARTICLE_BATCH)
    runs = {
        "ours": ours("article", precision, ARTICLE_BATCH),
        "default": ours("lean", precision, DEFAULT_BATCH),
        "article_eager": keras_step("float32", False, pixels),
        "tf_function": keras_step(policy, True, pixels),
        "matmul": product(precision),
    }
    torch_forms = ("eager", "channels_last", "compile") if util.find_spec("torch") else ()
    cores = threads(RuntimeParams())
    for form in torch_forms:
        runs[f"torch_{form}"] = torch_step(form, precision == "bfloat16", pixels, cores)
    seconds = seconds_of(runs, rounds)
    counts = dict.fromkeys(runs, ARTICLE_BATCH) | {
        "ours": STEPS * ARTICLE_BATCH,
        "default": STEPS * DEFAULT_BATCH,
    }

    def against(rival: str) -> float:
        """The median over rounds of both throughputs' ratio, which pairs equal noise."""
        rates = (counts[side] / seconds[side] for side in ("ours", rival))
        return float(np.median(np.divide(*rates)))

    def share_of_peak(run: str, architecture: str) -> float:
        return flops(architecture) * counts[run] / np.min(seconds[run]) / peak

    peak = 2 * MATRIX**3 / np.min(seconds["matmul"])
    numbers = {
        "ratio_vs_article_eager": against("article_eager"),
        "ratio_vs_tf_function_same_precision": against("tf_function"),
        "matmul_gflops": peak / 1e9,
        "fraction_of_matmul_peak": share_of_peak("ours", "article"),
        "default_fraction_of_matmul_peak": share_of_peak("default", "lean"),
        "default_images_per_second": counts["default"] / np.median(seconds["default"]),
    }
    if torch_forms:
        best = min(against(f"torch_{form}") for form in torch_forms)
        numbers["ratio_vs_torch_best_same_precision"] = best
    speeds = {name: summary(seconds[name], counts[name]) for name in runs if name != "matmul"}
    return numbers, speeds


def images(count: int) -> np.ndarray:
    """Random pixels: a step takes as long on them as on digits."""
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28, 1)).astype(np.uint8)


def new_trainer(architecture: str, precision: Precision, batch: int) -> Any:
    from ganflow.config.train import AdamParams, Penalties, TrainParams
    from ganflow.gan.networks.design import Design
    from ganflow.gan.trainer import Trainer

    if architecture == "lean":
        return Trainer(Design("lean", (28, 28, 1), 10, 100), TrainParams(batch=batch), precision, 0)
    adam = AdamParams(learning_rate=2e-4, beta_1=0.5, beta_2=0.999)
    train = TrainParams(
        batch=batch,
        penalties=Penalties(),
        generator=adam,
        discriminator=adam,
        schedule="constant",
        ema_half_life=0,
        images=3_000_000,
    )
    return Trainer(Design("article", (28, 28, 1), 0, 100), train, precision, 0)


def ours(architecture: str, precision: Precision, batch: int) -> Any:
    """`STEPS` steps of this engine in one call."""
    trainer = new_trainer(architecture, precision, batch)
    pixels, labels = images(STEPS * batch), np.arange(STEPS * batch) % 10
    return lambda: trainer.train_steps(pixels, labels, np.int64(1)).numpy()


def product(precision: Precision) -> Any:
    import tensorflow as tf

    square = tf.random.stateless_normal((MATRIX, MATRIX), [0, 0])
    square = tf.cast(square, precision)
    multiply = tf.function(lambda: tf.reduce_sum(tf.matmul(square, square)))
    return lambda: multiply().numpy()


def flops(architecture: str) -> float:
    """Arithmetic of one image of one step, in products' multiplications and additions.

    A weight layer costs the same forwards, backwards to its input and backwards to its kernel.
    The generator runs once each way; the discriminator forwards on real and generated images,
    backwards to its kernels for both, to its inputs for its own loss (not the first layer's)
    and for the generator's.
    """
    from ganflow.gan.networks.build import build_discriminator, build_generator

    trainer = new_trainer(architecture, "float32", 2)
    generator, discriminator = build_generator(trainer.design), build_discriminator(trainer.design)
    forward = sum(layer_flops(layer) for layer in generator.layers)
    costs = [c for c in map(layer_flops, discriminator.layers) if c]
    return 3 * forward + 4 * sum(costs) + 2 * sum(costs[1:]) + sum(costs)


def layer_flops(layer: Any) -> float:
    """Multiplications and additions of one image's forward pass through a layer."""
    if not hasattr(layer, "kernel"):
        return 0.0
    side = layer.input if "Transpose" in type(layer).__name__ else layer.output
    return 2.0 * float(np.prod(side.shape[1:-1]) * np.prod(layer.kernel.shape))


def loop_overhead(precision: Precision, rounds: int) -> float:
    """Seconds of the whole loop over those of the bare step on the same blocks, minus 1."""
    from ganflow.gan.batches import Batches

    trainer = new_trainer("lean", precision, DEFAULT_BATCH)
    size = 20 * DEFAULT_BATCH
    source = Batches(images(4 * size), np.arange(4 * size) % 10, 0)
    kept = list(source.blocks(0, [size] * 3))

    def train(blocks: Iterable[Any]) -> None:
        for number, (pixels, labels) in enumerate(blocks):
            trainer.train_steps(pixels, labels, np.int64(20 * number)).numpy()

    runs = {"bare": lambda: train(kept), "loop": lambda: train(source.blocks(0, [size] * 3))}
    seconds = seconds_of(runs, rounds)
    return float(np.median(seconds["loop"] / seconds["bare"])) - 1.0


def live_overhead(precision: Precision, rounds: int) -> float:
    """Seconds that writing for /live takes, over those of the steps between which it is done.

    A round is five blocks and a snapshot, as in a training of the default length.
    """
    from ganflow.gan.snapshots import PICTURE_COLUMNS, Snapshot
    from ganflow.gan.training import BLOCK_STEPS, History
    from ganflow.live.callback import LiveLog

    trainer = new_trainer("lean", precision, DEFAULT_BATCH)
    size = BLOCK_STEPS * DEFAULT_BATCH
    pixels, labels = images(size), np.arange(size) % 10
    picture, history = images(8 * PICTURE_COLUMNS), History()
    trained, written = np.zeros(5 * rounds), np.zeros(5 * rounds)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANFLOW_STATE"] = folder
        with LiveLog("train") as live:
            live.set_params({"what": "train", "images": size * len(trained), "history": history})
            live.on_train_begin()
            trainer.train_steps(pixels, labels, np.int64(0)).numpy()  # compiles
            for block in range(len(trained)):
                seen, started = size * (block + 1), time.perf_counter()
                metrics = trainer.train_steps(pixels, labels, np.int64(BLOCK_STEPS * block)).numpy()
                stepped = time.perf_counter()
                history.rows.append([seen, *map(float, metrics)])
                live.on_train_batch_end(block, history.logs())
                if block % 5 == 4:
                    history.add(Snapshot(seen, 1.0, picture, {}))
                    live.on_epoch_end(block // 5, history.logs())
                trained[block], written[block] = stepped - started, time.perf_counter() - stepped
    return float(written.sum() / trained.sum())


if __name__ == "__main__":
    command(measure, __doc__)
