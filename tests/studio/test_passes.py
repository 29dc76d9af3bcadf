"""The studio's forward passes make the generator's own images, whatever else is in the batch."""

import json
import logging
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from ganflow.gan.networks.build import build_discriminator, build_generator
from ganflow.gan.networks.design import Design
from ganflow.gan.saved import load_generator, save_networks
from ganflow.studio.latents import draws
from ganflow.studio.passes import SIZES, fixed_sizes
from tests.tracing import forget_tracing

DESIGN = Design("lean", (28, 28, 1), 10, 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained pair of networks, as the train stage writes them."""
    import keras

    keras.utils.set_random_seed(4)
    folder = tmp_path_factory.mktemp("model")
    design = {"architecture": "lean", "shape": [28, 28, 1], "classes": 10, "latent": 16}
    save_networks(folder, build_generator(DESIGN), build_discriminator(DESIGN), {"design": design})
    return folder


@pytest.mark.parametrize("count", [1, 7, 10, 49, 251])
def test_batches_of_any_size_hold_the_generators_images(folder: Path, count: int) -> None:
    generator = load_generator(folder)
    forward = fixed_sizes(generator.model, generator.classes, generator.latent)
    latents, labels = draws(1, count, 16), np.arange(count) % 10
    expected = generator.images(latents, labels).astype(int)
    assert np.ptp(expected) > 2
    assert np.abs(forward(latents, labels).astype(int) - expected).max() <= 1
    assert max(SIZES) < 251


def test_several_models_are_not_taken_for_one_that_is_traced_again(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_tracing(monkeypatch)
    monkeypatch.setattr(logging.getLogger("tensorflow"), "propagate", True)
    for _ in range(2):
        generator = load_generator(folder)
        fixed_sizes(generator.model, generator.classes, generator.latent)
    assert "retracing" not in caplog.text


@pytest.mark.slow
def test_it_serves_a_model_from_its_files(folder: Path) -> None:
    """The whole way: files, TensorFlow, the batcher, a socket."""
    command = (
        "import sys; from pathlib import Path; from ganflow.studio import serve; "
        "serve(port=0, models={'one': Path(sys.argv[1])}, prepared=None, threads=1)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", command, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as studio:
        try:
            assert studio.stdout is not None
            address = next(part for part in studio.stdout.readline().split() if "http" in part)
            body = json.dumps({"count": 3, "format": "npy", "classes": [2]}).encode()
            request = urllib.request.Request(
                f"{address}api/samples", body, {"content-type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=120) as answer:
                assert answer.headers["content-type"] == "application/octet-stream"
                images = np.lib.format.read_array(answer, allow_pickle=False)
        finally:
            studio.terminate()
            studio.wait(20)
    expected = load_generator(folder).images(draws(0, 3, 16), np.array([2, 2, 2]))
    assert np.abs(images.astype(int) - expected).max() <= 1
