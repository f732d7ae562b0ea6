"""L-BFGS, for full batches."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt

from layerkit import Array, Optimizer, Step


class LBFGS(Optimizer):
    """L-BFGS: a quasi-Newton method, for networks that are small and trained on full batches.

    Each update is a run of ``iterations`` of SciPy's L-BFGS-B without bounds, which asks for loss and gradient as often as its
    line search wants, and remembers ``history`` steps; the next update begins anew from where it ended. So one epoch of 200
    iterations is what scikit-learn's solver of this name does in 200. The search finds the lengths of steps by itself; with a
    learning rate below 1 the parameters go so much of the whole way of an update.

    References
    ----------
    R. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound constrained optimization", SIAM Journal on
    Scientific Computing, 1995. J. Nocedal and S. Wright, "Numerical optimization", 2006, algorithm 7.5.
    """

    reevaluates: ClassVar[bool] = True
    type: Literal["lbfgs"] = "lbfgs"
    learning_rate: float = Field(default=1.0, gt=0)
    """Share of the way that the parameters go, before any schedule."""
    iterations: PositiveInt = 20
    """Iterations of an update, each of which asks for the loss once or more."""
    history: PositiveInt = 10
    """How many steps it remembers."""
    tolerance: float = Field(default=1e-9, ge=0)
    """Largest number in a gradient at which an update ends before."""

    def work_size(self) -> int:
        return 2 * (2 * self.history + 14)  # its vectors are of 8 bytes, whatever the network's

    def update(self, step: Step) -> None:
        from scipy.optimize import minimize

        if not step.parameters.size:  # of which not every SciPy makes nothing
            return
        start = step.parameters.astype(np.float64)
        known = [(step.loss, step.gradients.astype(np.float64))]

        def objective(parameters: Array) -> tuple[float, Array]:
            if known:  # the first is where it begins
                return known.pop()
            step.parameters = parameters
            loss = step.evaluate()
            return loss, step.gradients.astype(np.float64)

        options = {"maxiter": self.iterations, "maxcor": self.history, "gtol": self.tolerance, "ftol": 0.0}
        way = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x - start
        step.parameters = start + step.coefficients.rate * way
