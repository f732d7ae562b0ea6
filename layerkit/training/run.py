"""A run: everything that a run spec describes, made ready and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from layerkit.data.base import Samples, Split
from layerkit.network.sequential import Sequential, build
from layerkit.observers.base import EpochRecord
from layerkit.spec.run import RunSpec
from layerkit.training.trainer import Trainer


@dataclass(frozen=True, slots=True)
class Run:
    """A training that is ready to go.

    Attributes
    ----------
    spec
        What was asked for.
    data
        The samples.
    model
        The network, with its initial weights.
    trainer
        What will train it.
    """

    spec: RunSpec
    data: Split
    model: Sequential
    trainer: Trainer

    @classmethod
    def prepare(cls, spec: RunSpec, folder: Path) -> Run:
        """Load the data, build the network and check that they fit; paths in ``spec`` are relative to ``folder``.

        Raises
        ------
        DataError, ModelFileError
            If the data or the initial weights cannot be used.
        """
        training = spec.training
        model = build(spec.model, seed=spec.seed)
        if training.initial_weights is not None:
            model.load_weights(folder / training.initial_weights)
        data = spec.data.load(spec.seed, folder)
        trainer = Trainer(
            model,
            optimizer=training.optimizer,
            epochs=training.epochs,
            batch_size=training.batch_size,
            shuffle=training.shuffle,
            seed=spec.seed,
            observers=training.observers,
        )
        return cls(spec, data, model, trainer)

    def epochs(self, folder: Path) -> Iterator[EpochRecord]:
        """Train, handing out a record after each epoch; observers write into ``folder``. Errors as for `Trainer.run`."""
        self.trainer.folder = folder
        return self.trainer.run(self.data.train.inputs, self.data.train.targets)

    def score(self) -> str | None:
        """Return how the network does on the test samples, as a line; None where there are none.

        Integer targets are classes and get the accuracy, the share of samples whose class has the highest prediction; other
        targets get the loss.
        """
        test = self.data.test
        if test is None:
            return None
        if test.targets.dtype.kind in "iu":
            return f"test set accuracy = {accuracy(self.model, test):.3f}"
        return f"test set loss = {self.model.loss(test.inputs, test.targets):.4f}"


def accuracy(model: Sequential, samples: Samples) -> float:
    """Return the share of samples whose label has the highest prediction."""
    from sklearn.metrics import accuracy_score

    predictions = model.predict(samples.inputs)
    return float(accuracy_score(samples.targets, np.argmax(predictions, axis=1)))
