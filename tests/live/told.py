"""A training of made-up numbers, which learns nothing, as callbacks are told of it."""

from collections.abc import Sequence

import keras

from ganflow.gan.snapshots import Snapshot
from ganflow.gan.trainer import STEP_METRICS
from ganflow.gan.training import History
from tests.gan.tiny import images


def told(callbacks: Sequence[keras.callbacks.Callback], history: History, blocks: range) -> None:
    """Tell callbacks of some blocks of 100 images, of which every third ends with a snapshot."""
    given = keras.callbacks.CallbackList(
        list(callbacks), what="train", images=1000, history=history, baseline=0.25
    )
    given.on_train_begin()
    for block in blocks:
        metrics = (block + number / 8 for number in range(len(STEP_METRICS)))
        history.rows.append([100.0 * (block + 1), *metrics])
        given.on_train_batch_end(block, history.logs())
        if block % 3 == 2:
            seen = 100 * (block + 1)
            history.add(Snapshot(seen, 9.0 - block, images(80, block)[0], {}))
            given.on_epoch_end(len(history.quality) - 1, history.logs())
    given.on_train_end(history.logs())
