"""Train generative adversarial networks on images, reproducibly."""


def __getattr__(name: str) -> str:
    """Read `__version__` when it is asked for, so that importing the package stays quick."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("ganflow")
