"""TensorFlow's count of what it traced."""

import pytest


def forget_tracing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin that count anew, for one test: it warns of each function twice at most."""
    from tensorflow.python.eager.polymorphic_function import polymorphic_function

    fresh = polymorphic_function._FrequentTracingDetectorManager()
    monkeypatch.setattr(polymorphic_function, "_frequent_tracing_detector_manager", fresh)
