"""Train generative adversarial networks on images, reproducibly.

In Python, `fit`, `load`, `measure` and `show` are all there is: docs/python.md.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganflow.api import fit, load, measure, show

__all__ = ["fit", "load", "measure", "show"]


def __getattr__(name: str) -> Any:
    """Read a name when it is asked for, so that importing the package stays quick."""
    if name in __all__:
        from ganflow import api

        return getattr(api, name)
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("ganflow")
