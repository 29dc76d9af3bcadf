"""The `model` section: the two networks."""

from typing import Annotated, Literal

from pydantic import Field

from ganflow.base.section import Section

OwnFunction = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        json_schema_extra={"in_words": "`module:function` of a Python file in the project"},
    ),
]
"""A function of the project's own code. No override may set it: it says which code is run."""


def is_own(name: str) -> bool:
    """Whether a value names a function of the project, and not something that is built in."""
    return ":" in name


class ModelParams(Section):
    architecture: Literal["lean", "article", "residual"] | OwnFunction = "lean"
    """A pair of networks in `ganflow.gan.networks`, or a function of your own that returns a pair:
    docs/own-networks.md."""

    conditional: bool | Literal["auto"] = "auto"
    """Whether labels steer the generator; `auto` where the data has them."""

    width: Annotated[int, Field(ge=4, le=256)] | Literal["auto"] = "auto"
    """Channels at the images' own resolution, twice as many at each coarser one, up to 256; `auto`
    is 32 up to 32 pixels and 16 above. `article` has its own."""

    latent: Annotated[int, Field(ge=1, le=1024)] = 100
    """Size of the vector drawn from N(0, I) that an image is made of."""

    mapping: Annotated[int, Field(ge=0, le=16)] = 0
    """Layers of a learned mapping from that draw to the latent the generator works with."""

    spectral_norm: bool = False
    """Divide the discriminator's kernels by their largest singular value."""
