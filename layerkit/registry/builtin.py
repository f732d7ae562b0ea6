"""Plugin number zero: the built-in components, registered as any other distribution registers its own."""

from __future__ import annotations

from collections.abc import Sequence

import layerkit as lk
from layerkit import hookimpl


@hookimpl
def layerkit_components() -> Sequence[type[lk.Component]]:
    return [
        lk.Affine,
        lk.ReLU,
        lk.CategoricalCrossEntropy,
        lk.Zeros,
        lk.Constant,
        lk.Uniform,
        lk.Normal,
        lk.XavierUniform,
        lk.XavierNormal,
        lk.HeUniform,
        lk.HeNormal,
        lk.SGD,
        lk.Accuracy,
        lk.Digits,
        lk.Iris,
        lk.Wine,
        lk.BreastCancer,
        lk.Diabetes,
    ]
