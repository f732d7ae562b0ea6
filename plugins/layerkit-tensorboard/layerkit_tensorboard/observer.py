"""The observer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from pydantic import NonNegativeInt

from layerkit import EpochRecord, Node, Observer
from layerkit_tensorboard.events import FOLDER, EventFile


class TensorBoard(Observer):
    """TensorBoard events: the loss of each epoch, and histograms of parameters and gradients.

    They go to the folder ``tensorboard`` of the run directory; ``tensorboard --logdir runs`` shows all runs side by side. Steps
    are epochs, tags are ``loss``, ``parameters/affine_1.weight``, ``gradients/affine_1.weight`` and so on. Gradients are those of
    the last step of an epoch, weight decay included. An array whose range is not finite has no histogram.
    """

    type: Literal["tensorboard"] = "tensorboard"
    histogram_every: NonNegativeInt = 0
    """Epochs between two histograms of each array; 0 writes none."""

    @contextmanager
    def watch(self, nodes: Sequence[Node], folder: Path) -> Iterator[Callable[[EpochRecord], None]]:
        with closing(EventFile(folder / FOLDER)) as events:

            def tell(record: EpochRecord) -> None:
                events.add_scalar("loss", record.loss, record.epoch)
                if self.histogram_every and record.epoch % self.histogram_every == 0:
                    _add_histograms(events, nodes, record.epoch)

            yield tell


def _add_histograms(events: EventFile, nodes: Sequence[Node], epoch: int) -> None:
    for node in [inner for top in nodes for inner in top.tree()]:
        for kind, arrays in (("parameters", node.params), ("gradients", node.grads)):
            for name, array in arrays.items():
                events.add_histogram(f"{kind}/{node.name}.{name}", array, epoch)
