"""The description of the networks is that of the model card, and cannot change."""

from dataclasses import FrozenInstanceError, asdict

import pytest

from ganflow.gan.networks.design import Design


def test_it_is_what_the_card_has() -> None:
    design = Design("lean", (8, 6, 3), 2, 16, mapping=1, spectral_norm=True)
    assert asdict(design) == {
        "architecture": "lean",
        "shape": (8, 6, 3),
        "classes": 2,
        "latent": 16,
        "mapping": 1,
        "spectral_norm": True,
        "width": 32,
        "coarsest": 8,
    }
    assert Design(**asdict(design)) == design


def test_it_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Design("lean", (8, 8, 1), 0, 16).classes = 2  # type: ignore[misc]
