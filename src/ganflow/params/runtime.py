"""The `runtime` section: how the machine is used. It shapes results in their last digits."""

from typing import Annotated, Literal

from pydantic import Field

from ganflow.params.section import Section

Precision = Literal["auto", "bfloat16", "float32", "float16"]


class Runtime(Section):
    threads: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = "auto"
    """Threads of TensorFlow's own pool; `auto` takes every processor this process may use."""

    precision: Precision = "auto"
    """Of products and convolutions; `auto` is bfloat16 where the processor has it."""
