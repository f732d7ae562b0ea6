"""Adam with weight decay of its own."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from layerkit import Adam


class AdamW(Adam):
    """Adam with decoupled weight decay, which the scaling of the gradients does not touch.

    Before each step of `adam`, the parameters that decay are multiplied by ``1 - learning_rate * weight_decay``.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2, with the learning rate as the
    schedule multiplier, as in PyTorch.
    """

    decoupled: ClassVar[bool | None] = True
    type: Literal["adamw"] = "adamw"  # type: ignore[assignment]  # another tag than that of the base
    weight_decay: float = Field(default=0.01, ge=0)
    """How strongly the parameters that do not decline decay are drawn towards zero."""
