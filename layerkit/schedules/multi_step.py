"""The learning rate falls at milestones."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from layerkit import Progress, Schedule, Unit


class MultiStepDecay(Schedule):
    """Multiplied by ``factor`` at each milestone: ``initial * factor ** (number of milestones reached)``.

    In 10 epochs of 10 steps, with a learning rate of 1 and milestones at the epochs 3 and 8::

        step    0       1       29      30      80      99
        rate    1       1       1       0.1     0.01    0.01
    """

    type: Literal["multi_step"] = "multi_step"
    milestones: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1, examples=[(3, 8)])]
    """After how many epochs or steps it falls."""
    factor: float = Field(default=0.1, gt=0, le=1)
    """What it is multiplied by."""
    unit: Unit = "epoch"
    """What is counted."""

    def learning_rate(self, initial: float, progress: Progress) -> float:
        done, _ = progress.counted(self.unit)
        return float(initial * self.factor ** sum(done >= milestone for milestone in self.milestones))
