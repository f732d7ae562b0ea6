"""`Metric`: how good predictions are."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from layerkit.component import Component
from layerkit.stack.loss import Task
from layerkit.typing import Array


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a network said of N samples, and what was wanted.

    Attributes
    ----------
    targets
        What was wanted, as the data has it.
    predictions
        What the loss predicts, such as probabilities (N, K).
    decisions
        What the loss decides from that, such as classes (N,).
    sample_weight
        Shape (N,); None where all samples count alike.
    """

    targets: Array
    predictions: Array
    decisions: Array
    sample_weight: Array | None = None


class Metric(Component):
    """Family of the figures that tell how good predictions are."""

    tasks: ClassVar[tuple[Task, ...]]
    """The kinds of targets that it is for."""
    greater_is_better: ClassVar[bool] = True
    """Which of two figures is the better one."""

    @property
    def label(self) -> str:
        """Name of the figure, by default the type; overridden where options tell two figures of one type apart."""
        return self.type

    @abstractmethod
    def score(self, outcome: Outcome) -> float:
        """Return the figure for all samples together."""
