"""Two crescents."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from layerkit import Array, Shape, SplittingDataset


class Moons(SplittingDataset):
    """Two half circles of 200 points each, classes 0 and 1, which reach into each other.

    With an angle a on [0, pi]: (cos a, sin a) and (1 - cos a, 1/2 - sin a), and normal noise on both coordinates.
    """

    type: Literal["moons"] = "moons"
    count: ClassVar[int] = 400
    n_classes: ClassVar[int | None] = 2
    noise: float = Field(default=0.1, ge=0)
    """Standard deviation of the noise."""

    @property
    def sample_shape(self) -> Shape:
        return (2,)

    def arrays(self) -> tuple[Array, Array]:
        angle, targets = np.tile(np.linspace(0, np.pi, 200), 2), np.repeat([0, 1], 200)
        upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        points = np.where(targets[:, None] == 0, upper, [1, 0.5] - upper)
        return points + self.noise * np.random.default_rng(0).standard_normal(points.shape), targets
