"""How fast the step is, against other ways to train the same networks on the same machine.

    python -m benchmarks.train_step --json

PyTorch is compared where it is installed (`make bench-setup`). All rivals take turns in one
run; a ratio is the median over rounds of throughputs measured next to each other.
"""

import argparse
from typing import Any

import numpy as np

from benchmarks.harness import options_of, ratio, seconds_of, show, summary
from ganflow.base.runtime import Precision, RuntimeParams, configure, has_bfloat16, threads

ARTICLE_BATCH, DEFAULT_BATCH = 256, 64
STEPS = 2
MATRIX = 2048


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="turns that each rival gets")
    parser.add_argument("--torch", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    show(measure(options.rounds, options.torch), options)


def measure(rounds: int, with_torch: bool = True) -> dict[str, Any]:
    configure(RuntimeParams())
    import tensorflow as tf

    tf.random.set_seed(0)
    found: dict[str, Any] = {"threads": threads(RuntimeParams()), "rounds": rounds}
    throughput: dict[str, Any] = {}
    precisions: list[Precision] = ["bfloat16", "float32"] if has_bfloat16() else ["float32"]
    for precision in precisions:
        prefix = "" if precision == precisions[0] else f"{precision}_"
        numbers, speeds = compare(precision, rounds, with_torch, threads(RuntimeParams()))
        found |= {f"{prefix}{name}": round(value, 4) for name, value in numbers.items()}
        throughput[precision] = speeds
    found["precision"] = precisions[0]
    found["loop_overhead"] = round(loop_overhead(precisions[0], rounds), 4)
    found["images_per_second"] = throughput
    return found


def compare(
    precision: Precision, rounds: int, with_torch: bool, cores: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """Ratios of this engine to its rivals in one precision, and everybody's images a second."""
    from benchmarks.rivals import keras_step, torch_steps

    policy = precision if precision == "float32" else f"mixed_{precision}"
    pixels = images(ARTICLE_BATCH)
    runs = {
        "ours": ours("article", precision, ARTICLE_BATCH),
        "default": ours("lean", precision, DEFAULT_BATCH),
        "article_eager": keras_step("float32", False, pixels),
        "tf_function": keras_step(policy, True, pixels),
        "matmul": product(precision),
    }
    if with_torch:
        steps = torch_steps(precision == "bfloat16", pixels, cores)
        runs |= {f"torch_{name}": step for name, step in steps.items()}
    seconds = seconds_of(runs, rounds)
    counts = dict.fromkeys(runs, ARTICLE_BATCH) | {
        "ours": STEPS * ARTICLE_BATCH,
        "default": STEPS * DEFAULT_BATCH,
    }
    speeds = {name: summary(seconds[name], counts[name]) for name in runs if name != "matmul"}

    def against(rival: str) -> float:
        return ratio(seconds["ours"], seconds[rival], counts["ours"], counts[rival])

    peak = 2 * MATRIX**3 / np.min(seconds["matmul"])
    numbers = {
        "ratio_vs_article_eager": against("article_eager"),
        "ratio_vs_tf_function_same_precision": against("tf_function"),
        "matmul_gflops": peak / 1e9,
    }
    for name, recipe, count in (("", "ours", ARTICLE_BATCH), ("default_", "default", 64)):
        done = flops("article" if recipe == "ours" else "lean") * STEPS * count
        numbers[f"{name}fraction_of_matmul_peak"] = done / np.min(seconds[recipe]) / peak
        numbers[f"{name}images_per_second"] = STEPS * count / np.median(seconds[recipe])
    rivals = [name for name in runs if name.startswith("torch_")]
    if rivals:
        numbers["ratio_vs_torch_best_same_precision"] = min(against(rival) for rival in rivals)
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
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0.0
    side = layer.input if "Transpose" in type(layer).__name__ else layer.output
    places = int(np.prod(side.shape[1:-1])) if len(side.shape) > 2 else 1
    return 2.0 * places * float(np.prod(kernel.shape))


def loop_overhead(precision: Precision, rounds: int) -> float:
    """Seconds of the whole loop over those of the bare step on the same blocks, minus 1."""
    from ganflow.gan.batches import Batches

    trainer, blocks = new_trainer("lean", precision, DEFAULT_BATCH), 3
    size = 20 * DEFAULT_BATCH
    source = Batches(images(4 * size), np.arange(4 * size) % 10, 0)
    kept = list(source.blocks(0, [size] * blocks))

    def bare() -> None:
        for pixels, labels in kept:
            trainer.train_steps(pixels, labels, np.int64(1)).numpy()

    def loop() -> None:
        done = 0
        for pixels, labels in source.blocks(0, [size] * blocks):
            trainer.train_steps(pixels, labels, np.int64(done)).numpy()
            done += size // DEFAULT_BATCH

    seconds = seconds_of({"bare": bare, "loop": loop}, rounds)
    return float(np.median(seconds["loop"] / seconds["bare"])) - 1.0


if __name__ == "__main__":
    main()
