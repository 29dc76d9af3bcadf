"""What `pip install ganflow` leaves out, and which of its extras brings it."""

import importlib.util
import sys

from ganflow.base.errors import GanflowError

EXTRA_OF = {
    "configobj": "pipeline",
    "dvc": "pipeline",
    "zc": "pipeline",
    "prefect": "prefect",
    "prefect_dask": "dask",
    "sqlalchemy": "prefect",
    "optuna": "search",
    "fastapi": "studio",
    "starlette": "studio",
    "uvicorn": "studio",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "tf2onnx": "onnx",
}
"""By the module that is imported."""


def missing(module: str) -> GanflowError:
    """The error for a module of `EXTRA_OF` that is not installed."""
    extra = EXTRA_OF[module]
    return GanflowError(
        f"`{module}` is not installed",
        where=sys.prefix,
        expected=f"ganflow with its extra `{extra}`",
        run=f"pip install 'ganflow[{extra}]'",
    )


def require(module: str) -> None:
    """Check that a module of `EXTRA_OF` is installed, without importing it.

    Raises:
        GanflowError: it is not, with the extra that brings it.
    """
    if importlib.util.find_spec(module) is None:
        raise missing(module)
