"""The share of samples whose class is among the k most probable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, PositiveInt

from layerkit import Metric, Outcome, Task


class TopK(Metric):
    """Top-k accuracy: predictions (N, K), labels (N,) or rows (N, K), of which the most probable class counts.

    A sample is right if fewer than k classes are more probable than its own; weighted by the sample weights.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("classes",)
    type: Literal["top_k"] = "top_k"
    k: PositiveInt = Field(default=3)
    """How many classes a prediction may name."""

    @classmethod
    def examples(cls) -> Iterable[Self]:
        yield cls(k=1)

    @property
    def label(self) -> str:
        return f"top_{self.k}"

    def score(self, outcome: Outcome) -> float:
        labels = outcome.targets if outcome.targets.ndim == 1 else outcome.targets.argmax(axis=1)
        own = np.take_along_axis(outcome.predictions, labels[:, None], axis=1)
        right = (outcome.predictions > own).sum(axis=1) < self.k
        return float(np.average(right, weights=outcome.sample_weight))
