"""The description from which both networks are built, as the model card has it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Design:
    """The networks' description.

    Attributes:
        architecture: a name in `ganflow.gan.networks.build.ARCHITECTURES`, or the `module:function`
            of the project's own code.
        shape: height, width and channels of an image.
        classes: how many labels steer the generator; 0 makes it unconditional.
        latent: size of the latent vector.
        mapping: layers of a learned mapping from the prior to the latent; 0 is none.
        spectral_norm: whether the discriminator's kernels are divided by their largest
            singular value.
        width: channels at the images' own resolution; each coarser level has twice as many.
        coarsest: the longer side, in pixels, that the coarsest level has at most.
    """

    architecture: str
    shape: tuple[int, int, int]
    classes: int
    latent: int
    mapping: int = 0
    spectral_norm: bool = False
    width: int = 32
    coarsest: int = 8
