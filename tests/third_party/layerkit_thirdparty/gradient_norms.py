"""An observer that writes down how long the gradients are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, TextIO

import numpy as np

from layerkit import Memory, Observer, Training, Watcher


class GradientNorms(Observer):
    """Writes ``gradient_norms.tsv``: after each step its number and the Euclidean norm of the gradients (P,)."""

    type: Literal["gradient_norms"] = "gradient_norms"

    def watch(self, training: Training, memory: Memory) -> AbstractContextManager[Watcher]:
        return self._watching(training)

    @contextmanager
    def _watching(self, training: Training) -> Iterator[Watcher]:
        with open(training.folder / "gradient_norms.tsv", "a", encoding="utf-8") as file:
            yield _Writer(training, file)


class _Writer(Watcher):
    def __init__(self, training: Training, file: TextIO) -> None:
        self.training, self.file = training, file

    def step(self) -> None:
        print(self.training.step, np.linalg.norm(self.training.gradients), sep="\t", file=self.file)
