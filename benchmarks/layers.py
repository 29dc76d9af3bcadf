"""Where a step's time goes: each layer on its own, against a large matrix product.

    python -m benchmarks.layers --json
    python -m benchmarks.layers --recipe default

Every layer of a recipe's two networks is timed forwards, backwards to its input and backwards
to its kernel, at the recipe's batch, in the precision that `auto` takes. A step runs the
generator's layers once each way; the discriminator's forwards twice (real and generated
images), backwards to its kernels twice, and backwards to its inputs three times (for both of
its own losses' gradients and for the generator's). `products_milliseconds` is what the products
and convolutions take that way, and `most_fraction_of_matmul_peak` what a step would reach that
did nothing else. Each pass ends in a sum, which a step does without, and nothing is merged: the
rows rank what to look at, and do not add up to a step.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.harness import options_of, seconds_of, show
from benchmarks.train_step import (
    ARTICLE_BATCH,
    DEFAULT_BATCH,
    MATRIX,
    layer_flops,
    new_trainer,
    product,
)
from ganflow.base.runtime import RuntimeParams, configure, resolved

USES = {
    "generator": {"forward": 1, "to_kernel": 1, "to_input": 1},
    "discriminator": {"forward": 2, "to_kernel": 2, "to_input": 3},
}


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--recipe", choices=("article", "default"), default="article")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    configure(RuntimeParams())
    show(measure(options.recipe, options.rounds), options)


def measure(recipe: str, rounds: int) -> dict[str, Any]:
    from ganflow.gan.networks.build import build_discriminator, build_generator

    batch = ARTICLE_BATCH if recipe == "article" else DEFAULT_BATCH
    precision = resolved("auto")
    design = new_trainer("article" if recipe == "article" else "lean", "float32", 2).design
    players = {
        "generator": build_generator(design, precision),
        "discriminator": build_discriminator(design, precision),
    }
    runs: dict[tuple[str, ...], Callable[[], object]] = {("matmul",): product(precision)}
    work: dict[tuple[str, ...], float] = {}
    for player, model in players.items():
        for index, layer in enumerate(model.layers):
            for way, run in ways(layer, batch, precision).items():
                key = (player, f"{index:02d} {type(layer).__name__}", way)
                runs[key], work[key] = run, batch * layer_flops(layer)
    seconds = {key: float(np.median(s)) for key, s in seconds_of(runs, rounds).items()}
    peak = 2 * MATRIX**3 / seconds.pop(("matmul",))
    rows = [
        {
            "player": player,
            "layer": layer,
            "way": way,
            "milliseconds": round(1e3 * seconds[player, layer, way] * USES[player][way], 3),
            "gflops": round(work[player, layer, way] / seconds[player, layer, way] / 1e9, 1),
        }
        for player, layer, way in seconds
    ]
    ideal = sum(work[key] * USES[key[0]][key[2]] for key in work) / peak
    products = sum(seconds[key] * USES[key[0]][key[2]] for key in work if work[key])
    return {
        "recipe": recipe,
        "batch": batch,
        "precision": precision,
        "matmul_gflops": round(peak / 1e9, 1),
        "arithmetic_milliseconds": round(1e3 * ideal, 2),
        "products_milliseconds": round(1e3 * products, 2),
        "most_fraction_of_matmul_peak": round(ideal / products, 3),
        "layers": sorted(rows, key=lambda row: -row["milliseconds"]),
    }


def ways(layer: Any, batch: int, precision: str) -> dict[str, Callable[[], object]]:
    """A layer's passes, each as a function that runs it once; empty for inputs and reshapes."""
    import tensorflow as tf

    if type(layer).__name__ in ("InputLayer", "Reshape", "Flatten") or isinstance(
        layer.input, list | tuple
    ):
        return {}
    kind = tf.float32 if layer.compute_dtype == "float32" else tf.as_dtype(precision)
    x = tf.cast(tf.random.stateless_normal((batch, *layer.input.shape[1:]), [1, 2]), kind)
    dy = tf.ones_like(layer(x, training=True) if _trains(layer) else layer(x))
    kernel = getattr(layer, "kernel", None)

    def call(x: Any) -> Any:
        return layer(x, training=True) if _trains(layer) else layer(x)

    def gradient(x: Any, to_kernel: bool) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = call(x)
        return tape.gradient(y, kernel.value if to_kernel else x, output_gradients=dy)

    # the sum makes every pass end in one number, at the price of one look at its result
    total = tf.reduce_sum
    passes = {
        "forward": tf.function(lambda: total(call(x))),
        "to_input": tf.function(lambda: total(gradient(x, False))),
    }
    if kernel is not None:
        passes["to_kernel"] = tf.function(lambda: total(gradient(x, True)))
    return {way: (lambda run=run: run().numpy()) for way, run in passes.items()}


def _trains(layer: Any) -> bool:
    return type(layer).__name__ in ("BatchNorm", "Dropout")


if __name__ == "__main__":
    main()
