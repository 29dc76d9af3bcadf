"""What it means that the same networks learn on several devices at once.

Each replica has all weights and an equal part of the batch. What a step draws at random is drawn
for the whole batch, by every replica, and each takes its own rows of it; what a step averages
over the batch is averaged over the replicas too. With that, and nothing else, a training is the
same function of its parameters on any number of replicas, up to the order of its sums.

TensorFlow knows in which replica a function runs (`tf.distribute`), so nothing is handed around.
Outside of a distribution strategy there is one replica, and every function here is the identity.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def count() -> int:
    """How many replicas the function that is running (or traced) runs in."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def in_each(
    strategy: tf.distribute.Strategy, step: Callable[..., tf.Tensor], *inputs: tf.Tensor
) -> tf.Tensor:
    """Run `step` in every replica that a strategy has, and return the first one's result.

    The result is to be the same in all.
    """
    if strategy.num_replicas_in_sync == 1:
        return step(*inputs)
    return strategy.experimental_local_results(strategy.run(step, inputs))[0]


def own(rows: tf.Tensor) -> tf.Tensor:
    """This replica's rows (n, ...) of those (count·n, ...) of the whole batch."""
    replicas = count()
    if replicas == 1:
        return rows
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.reshape(rows, (replicas, rows.shape[0] // replicas, *rows.shape[1:]))[number]


def mean(values: Any) -> Any:
    """Tensors, in any nesting, to their means over the replicas.

    Differentiable: what a replica's part of the mean does to the losses of all of them comes
    back to it. A gradient of one replica's mean loss, so averaged, is that of the batch's.
    """
    if count() == 1:
        return values
    return tf.distribute.get_replica_context().all_reduce("mean", values)


def moments(inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance of each channel over the whole batch, float32 (C,).

    Args:
        inputs: this replica's maps (n, ..., C).
    """
    axes = list(range(len(inputs.shape) - 1))
    average, variance = tf.nn.moments(tf.cast(inputs, tf.float32), axes)
    average, square = mean([average, variance + tf.square(average)])
    return average, square - tf.square(average)
