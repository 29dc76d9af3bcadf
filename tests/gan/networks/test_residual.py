"""The residual pair, with the objective and the penalties it is made for, learns."""

import numpy as np
import tensorflow as tf

from ganflow.config.train import AdamParams, Penalties, Penalty, TrainParams
from ganflow.gan.batches import Batches
from ganflow.gan.networks.design import Design
from ganflow.gan.trainer import Trainer
from tests.gan.tiny import images

BATCH, BLOCK, STEPS = 16, 50, 300


def test_each_class_gets_the_mean_and_the_spread_of_its_images() -> None:
    each = Penalty(weight=1.0, interval=8)
    adam = AdamParams(learning_rate=1e-3)
    train = TrainParams(
        images=BATCH * STEPS,
        batch=BATCH,
        objective="relativistic",
        penalties=Penalties(r1=each, r2=each),
        generator=adam,
        discriminator=adam,
        ema_half_life=256,
    )
    trainer = Trainer(Design("residual", (8, 8, 1), 2, 16), train, "float32", 0)
    pixels, labels = images(500, 0)
    blocks = Batches(pixels, labels, 0).blocks(0, [BATCH * BLOCK] * (STEPS // BLOCK))
    for index, block in enumerate(blocks):
        trainer.train_steps(*block, np.int64(index * BLOCK))
    latents = tf.random.stateless_normal((64, 16), [1, 1])
    real = pixels / 127.5 - 1.0
    for label in range(2):
        made = trainer.averaged([latents, tf.fill(64, label)]).numpy()
        mine = real[labels == label]
        assert np.abs(made.mean(0) - mine.mean(0)).mean() < 0.1
        assert 0.6 < made.std(0).mean() / mine.std(0).mean() < 1.5
