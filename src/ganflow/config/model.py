"""The `model` section: the two networks."""

from typing import Annotated, Literal

from pydantic import Field

from ganflow.base.section import Section


class ModelParams(Section):
    architecture: Literal["lean", "article", "residual"] = "lean"
    """A pair of networks in `ganflow.gan.networks`."""

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
