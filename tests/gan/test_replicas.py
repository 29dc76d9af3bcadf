"""Two replicas train as one does; here they are two logical devices of one processor."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.gan.tiny import environment

# twelve graphs are built, on a machine that may be busy
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `two_devices.py` prints."""
    paths = f"{ROOT / 'src'}:{ROOT}"
    done = subprocess.run(
        [sys.executable, "-m", "tests.gan.two_devices"],
        cwd=ROOT,
        env=environment(tmp_path_factory.mktemp("two"), PYTHONPATH=paths),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "tolerance", "steps"),
    [("default", 2e-6, 5), ("everything", 2e-5, 5), ("float16", 4e-3, 2)],
)
def test_two_devices_train_as_one(
    found: dict[str, Any], name: str, tolerance: float, steps: int
) -> None:
    """Losses, logits and rate at each step; and both devices hold the same weights to the bit.

    A difference in the last digit grows from step to step: hence few of them, and fewer still in
    float16, whose last digit is a coarse one.
    """
    trained = found[name]
    both, alone = trained["both"][:steps], trained["alone"][:steps]
    assert len(both) == steps
    np.testing.assert_allclose(both, alone, rtol=tolerance, atol=tolerance)
    assert len({tuple(step) for step in trained["alone"]}) == len(trained["alone"])
    assert trained["apart"] == []


def test_weights_stay_together(found: dict[str, Any]) -> None:
    assert found["default"]["weights"] < 1e-4
    assert found["everything"]["weights"] < 1e-3


@pytest.mark.parametrize("inputs", ["maps", "vectors"])
def test_batch_norm_sees_the_whole_batch(found: dict[str, Any], inputs: str) -> None:
    """Outputs, both gradients and the running moments are those of one device's fused kernel."""
    alone, both = found[inputs]
    names = ("outputs", "gradient of inputs", "gradient of scale", "mean", "variance")
    for name, one, two in zip(names, alone, both, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5, err_msg=name)


def test_dropout_drops_the_same(found: dict[str, Any]) -> None:
    alone, both = found["dropout"]
    assert alone == both
    assert {0.0, 2.0} == set(np.ravel(alone))


def test_a_checkpoint_reaches_both_devices(found: dict[str, Any]) -> None:
    """The resumed training gives the same bits, and the distance that one device gives."""
    alone, both = found["interrupted"]
    for resumed in (alone, both):
        assert resumed["step"] == 3
        assert resumed["metrics"][0] == resumed["metrics"][1]
    assert both["apart"] == []
    np.testing.assert_allclose(both["metrics"], alone["metrics"], rtol=1e-5, atol=1e-5)
    assert both["fd"] == pytest.approx(alone["fd"], rel=1e-3)
