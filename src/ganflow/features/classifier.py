"""A small convolutional classifier: its network and how it learns.

The extractor is one of these, and so are the fresh classifiers of `cas` and `c2st`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from ganflow.base.progress import progress

STEPS_PER_CALL = 50
BYTES_PER_CALL = 2**26
"""What may be read of the images at a time; there can be more of them than memory holds."""

WARM_UP = 0.1  # of all steps
DROPOUT = 0.3
SMALLEST_SIDE = 8
MOST_CHANNELS = 128
FIRST_CHANNELS = 32

ENOUGH = 60_000
"""Images, seen again and again where there are fewer, after which a classifier has learned."""

FEWEST, MOST = 2, 20
"""Bounds of `epochs_for`: with more, few images would be learned by heart."""

Turn = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""From a batch of images and of labels to the images that have these labels."""


@dataclass(frozen=True)
class Lessons:
    """How a classifier is trained."""

    seed: int
    epochs: int
    batch: int
    learning_rate: float
    bfloat16: bool = True
    augment: bool = False
    """Whether images are shifted, and their brightness and contrast changed, each time anew."""


def epochs_for(images: int) -> int:
    """Passes over so many images after which a classifier of them has learned."""
    return min(max(math.ceil(ENOUGH / images), FEWEST), MOST)


def augmented(images: tf.Tensor) -> tf.Tensor:
    """Each image shifted by up to an eighth of its sides, brighter or darker, in other contrast.

    Few images are learned by heart without it: then the features of unseen ones say little.

    Args:
        images: float32 (n, h, w, c) in [−1, 1], n known; the edges are repeated.
    """
    count, height, width, _ = images.shape
    for axis, side in ((1, height), (2, width)):
        most = max(1, side // 8)
        shifts = tf.random.uniform((count, 1), -most, most + 1, tf.int32)
        rows = tf.clip_by_value(tf.range(side)[None] + shifts, 0, side - 1)
        images = tf.gather(images, rows, axis=axis, batch_dims=1)
    contrast = tf.random.uniform((count, 1, 1, 1), 0.7, 1.3)
    return images * contrast + tf.random.uniform((count, 1, 1, 1), -0.3, 0.3)


def network(
    shape: tuple[int, int, int], features: int, classes: int, *, bfloat16: bool = False
) -> keras.Model:
    """Convolutions of stride 2 down to at most 8×8, one more, and two dense layers.

    The last layer but one (after its ReLU) is the feature vector. Variables are float32 either
    way; `bfloat16` only says what products are computed in.

    Returns:
        A model from float32 images (N, h, w, c) in [−1, 1] to (features, logits).
    """
    policy = "mixed_bfloat16" if bfloat16 else "float32"
    layers = keras.layers
    images = keras.Input(shape)
    maps, channels, side = images, FIRST_CHANNELS, max(shape[:2])
    kernel = 4  # divisible by the stride, so that the first layer sees every pixel equally often
    index = 0
    while side > SMALLEST_SIDE:
        maps = layers.Conv2D(
            channels, kernel, 2, "same", activation="relu", dtype=policy, name=f"down_{index}"
        )(maps)
        side, index, kernel = -(-side // 2), index + 1, 3
        last, channels = channels, min(2 * channels, MOST_CHANNELS)
    last = last if index else channels
    maps = layers.Conv2D(last, 3, 1, "same", activation="relu", dtype=policy, name="mix")(maps)
    flat = layers.Flatten(dtype=policy)(maps)
    described = layers.Dense(features, activation="relu", dtype=policy, name="features")(flat)
    kept = layers.Dropout(DROPOUT, dtype=policy)(described)
    logits = layers.Dense(classes, dtype="float32", name="logits")(kept)
    return keras.Model(images, (described, logits))


def scaled(images: tf.Tensor) -> tf.Tensor:
    """8-bit images as the networks see them: float32 in [−1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def train(
    images: np.ndarray,
    labels: np.ndarray,
    features: int,
    classes: int,
    lessons: Lessons,
    *,
    turn: Turn | None = None,
    what: str = "classifier",
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, np.ndarray]:
    """Train a fresh network on 8-bit images (N, h, w, c) and labels (N,) in 0..classes−1.

    With k·N labels each image is seen k times an epoch, the i-th with the labels i, N + i, and so
    on; `turn` makes k images of it. The images may be a memory map: they are read a few batches at
    a time. Adam, a linear warm-up over a tenth of the steps and a linear decay to nothing.

    Args:
        callbacks: told of blocks of steps as of batches, with the `images` seen and the last
            `loss`; their `params` are `what` and the number of `images` that it will see.

    Returns:
        Its weights by name, float32.
    """
    keras.utils.set_random_seed(lessons.seed)
    shape = (int(images.shape[1]), int(images.shape[2]), int(images.shape[3]))
    model = network(shape, features, classes, bfloat16=lessons.bfloat16)
    adam = keras.optimizers.Adam(lessons.learning_rate)
    adam.build(model.trainable_variables)

    order = _order(len(labels), lessons)
    steps, batch = order.shape
    at_once = max(1, min(STEPS_PER_CALL, BYTES_PER_CALL // (batch * images[0].nbytes)))

    learn_some = learner(model, adam, steps, (batch, *shape), turn, lessons.augment)
    told = keras.callbacks.CallbackList(
        list(callbacks), model=model, what=what, images=steps * batch
    )
    told.on_train_begin()
    with progress(what, steps * batch) as shown:
        for first in range(0, steps, at_once):
            rows = order[first : first + at_once]
            given = (first, images[rows % len(images)], labels[rows].astype(np.int64))
            loss = float(learn_some(*map(tf.constant, given)))
            shown.advance(rows.size, loss=loss)
            seen = first * batch + rows.size
            told.on_train_batch_end(first // at_once, {"images": seen, "loss": loss})
    told.on_train_end()
    return {variable.path: np.asarray(variable.value) for variable in model.trainable_variables}


def learner(
    model: keras.Model,
    adam: keras.optimizers.Adam,
    steps: int,
    batch: tuple[int, ...],
    turn: Turn | None,
    augment: bool,
) -> Callable[..., tf.Tensor]:
    """Train `model` on some batches: a function of the first one's step, images and labels.

    Args:
        adam: built; the caller keeps it, since a traced function does not hold its variables.
        steps: in all, for the schedule of the learning rate.
        batch: shape of a batch of images.
    """
    variables = model.trainable_variables
    highest = float(adam.learning_rate)
    warm = max(1, round(WARM_UP * steps))

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[
            tf.TensorSpec((), tf.int32),
            tf.TensorSpec((None, *batch), tf.uint8),
            tf.TensorSpec((None, batch[0]), tf.int64),
        ]
    )
    def learn(first: tf.Tensor, batches: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        loss = 0.0
        for step in tf.range(tf.shape(batches)[0]):
            wanted = targets[step]
            seen = scaled(batches[step])
            seen = turn(seen, wanted) if turn else seen
            seen = augmented(seen) if augment else seen
            done = tf.cast(first + step, tf.float32)
            rate = tf.minimum((done + 1.0) / warm, (steps - done) / max(steps - warm, 1))
            adam.learning_rate.assign(highest * rate)
            with tf.GradientTape() as tape:
                _, logits = model(seen, training=True)
                loss = tf.reduce_mean(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(labels=wanted, logits=logits)
                )
            adam.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    # Traced here, once: TensorFlow takes the first calls of many classifiers for retracing.
    learn_some: Callable[..., tf.Tensor] = learn.get_concrete_function()
    return learn_some


def _order(count: int, lessons: Lessons) -> np.ndarray:
    """Row numbers (steps, batch): each epoch a fresh permutation, its remainder left out."""
    batch = min(lessons.batch, count)
    full = count // batch * batch
    rng = np.random.default_rng(lessons.seed)
    epochs = [rng.permutation(count)[:full] for _ in range(lessons.epochs)]
    return np.concatenate(epochs).reshape(-1, batch)
