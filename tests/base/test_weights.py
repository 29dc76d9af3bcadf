"""Weights are read back exactly, and only those whose hash the card has."""

from pathlib import Path

import numpy as np
import pytest

from ganflow.base.errors import DataError
from ganflow.base.files import sha256_of
from ganflow.base.weights import read_weights, write_weights

WEIGHTS = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array(2.5, np.float32)}


def test_weights_are_read_back_and_equal_ones_are_equal_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    digest = write_weights(one, WEIGHTS)
    assert digest == write_weights(two, WEIGHTS) == sha256_of(one)
    found = read_weights(one, digest)
    assert found.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(found[name], array)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model" / "a.safetensors"
    with pytest.raises(DataError, match="not there"):
        read_weights(path, "0" * 64)
    digest = write_weights(path, WEIGHTS)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    for wrong in (digest, None):
        with pytest.raises(DataError, match="not those that the card describes") as raised:
            read_weights(path, wrong)
        assert raised.value.where == str(path)
        assert str(path.parent) in str(raised.value.run)
