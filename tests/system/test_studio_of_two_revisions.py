"""`ganflow studio --compare` in a real browser: two git revisions, brought by DVC, side by side."""

import io
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.system.browser import DESK, watched
from tests.system.installed import Installed
from tests.system.test_studio_in_browser import settled

pytestmark = pytest.mark.system

BUILD = """
import sys
from pathlib import Path
import keras
from ganflow.gan.networks.design import Design
from ganflow.gan.networks.build import build_discriminator, build_generator
from ganflow.gan.saved import save_networks

seed, classes = int(sys.argv[1]), int(sys.argv[2])
keras.utils.set_random_seed(seed)
design = Design("lean", (12, 12, 1), classes, 6)
generator = build_generator(design)
for weight in generator.trainable_weights:
    weight.assign(3.0 * weight)
card = {"architecture": "lean", "shape": [12, 12, 1], "classes": classes, "latent": 6}
save_networks(Path("data/model"), generator, build_discriminator(design), {"design": card})
"""
VERSIONS = ((1, 4), (2, 0), (3, 4))
"""Seed and classes of the models of HEAD~2, HEAD~1 and HEAD."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, installed: Installed) -> Iterator[str]:
    """A project of three commits, a model in each; the studio of the last compares all."""
    project = tmp_path_factory.mktemp("revisions") / "project"
    installed.run("ganflow", "init", project.name, cwd=project.parent)
    # Here the model is no stage's output.
    installed.run("git", "rm", "--quiet", "dvc.yaml", cwd=project)
    for seed, classes in VERSIONS:
        installed.run("python", "-c", BUILD, str(seed), str(classes), cwd=project)
        installed.run("dvc", "add", "--quiet", "data/model", cwd=project)
        installed.run("git", "add", "--all", cwd=project)
        installed.run("git", "commit", "--quiet", f"--message=seed {seed}", cwd=project)
    compared = [word for name in ("HEAD~2", "HEAD~1") for word in ("--compare", name)]
    with installed.studio(project, *compared) as address:
        yield address


def panes(watch: Any) -> list[np.ndarray]:
    """What each pane shows, as (H, W)."""
    drawn = watch.page.eval_on_selector_all(
        "#panes img",
        """images => images.map(image => {
            const [width, height] = [image.naturalWidth, image.naturalHeight];
            const canvas = Object.assign(document.createElement('canvas'), {width, height});
            const pen = canvas.getContext('2d');
            pen.drawImage(image, 0, 0);
            return {width, height, pixels: Array.from(pen.getImageData(0, 0, width, height).data)};
        })""",
    )
    return [
        np.reshape(one["pixels"], (one["height"], one["width"], 4))[..., 0].astype(np.uint8)
        for one in drawn
    ]


def view(address: str, **request: Any) -> np.ndarray:
    """The same from the HTTP API."""
    answer = httpx.post(f"{address}api/views", json=request, timeout=60)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("L"))


def test_each_pane_shows_its_own_revision_at_the_same_point(browser: Any, address: str) -> None:
    with watched(browser, address, DESK) as watch:
        watch.page.set_default_timeout(60_000)
        watch.page.goto(address)
        settled(watch)
        offered = watch.page.locator("#other option").all_inner_texts()
        assert offered == ["nothing", "HEAD~2", "HEAD~1"]
        watch.page.select_option("#other", "HEAD~2")
        settled(watch)
        captions = watch.page.locator("#panes figcaption").all_inner_texts()
        assert captions == ["current", "HEAD~2"]
        now, before = panes(watch)
        assert now.shape == before.shape == (12, 4 * 12)
        assert np.abs(now.astype(int) - before).mean() > 5, "other weights, other images"
        for shown, name in ((now, "current"), (before, "HEAD~2")):
            assert (shown == view(address, model=name)).all()

        watch.page.focus("#across")
        watch.page.keyboard.press("End")
        settled(watch)
        for shown, name, still in zip(
            panes(watch), ("current", "HEAD~2"), (now, before), strict=True
        ):
            assert (shown == view(address, model=name, point={"across": 1})).all()
            assert (shown != still).any(), "both follow the pointer"
        assert watch.complaints == watch.outside == []
        assert watch.serious_faults() == []
        watch.keep("studio-two-revisions")


def test_a_revision_without_classes_stands_beside_one_with_them(browser: Any, address: str) -> None:
    with watched(browser, address, DESK) as watch:
        watch.page.set_default_timeout(60_000)
        watch.page.goto(address)
        settled(watch)
        watch.page.select_option("#other", "HEAD~1")
        settled(watch)
        now, before = panes(watch)
        assert not watch.page.is_visible("#message")
        assert now.shape == (12, 4 * 12)
        assert before.shape == (12, 12)
        assert (before == view(address, model="HEAD~1")).all()
        assert watch.complaints == watch.outside == []
