"""Training the same networks on several devices (replicas) at once.

Each replica has all weights and an equal shard of the batch. Random numbers are drawn for the whole
batch in every replica, and each takes its own rows; means over the batch are also taken over the
replicas. So a training is the same function of its parameters on any number of replicas, up to
the order in which sums are added.

`tf.distribute` knows in which replica a function runs, so no argument says it. Without a
distribution strategy there is one replica, and every function here is the identity.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def count() -> int:
    """The number of replicas in which the calling function runs (or is traced)."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def run_in_replicas(
    strategy: tf.distribute.Strategy, step: Callable[..., tf.Tensor], *inputs: tf.Tensor
) -> tf.Tensor:
    """Run `step` in every replica of a strategy, and return the result of the first.

    The result must be the same in all of them.
    """
    if strategy.num_replicas_in_sync == 1:
        return step(*inputs)
    return strategy.experimental_local_results(strategy.run(step, inputs))[0]


def local_shard(rows: tf.Tensor) -> tf.Tensor:
    """The rows (n, ...) of this replica out of those (count·n, ...) of the whole batch."""
    replicas = count()
    if replicas == 1:
        return rows
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.reshape(rows, (replicas, rows.shape[0] // replicas, *rows.shape[1:]))[number]


def mean(values: Any) -> Any:
    """The means of tensors, in any nesting, over the replicas; differentiable.

    The mean of the gradients of the replicas' mean losses is the gradient of the mean loss over the
    whole batch.
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
