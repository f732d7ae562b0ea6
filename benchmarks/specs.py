"""How well the specs in ``specs/`` train, beside scikit-learn's networks on the same samples for as many epochs.

    python benchmarks/specs.py

Both train on what the spec does not hold out, inputs standardized; scikit-learn's networks have its defaults otherwise. Printed
are the accuracy, or r2 for numbers, on the test samples.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

from sklearn.metrics import r2_score  # noqa: E402 (the number of threads is read when NumPy is imported)
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import layerkit as lk  # noqa: E402

SPECS = Path(__file__).parents[1] / "specs"


def main() -> None:
    """Train each spec and its peer."""
    warnings.simplefilter("ignore")
    for path in sorted(SPECS.glob("*.json")):
        with TemporaryDirectory() as folder:
            run = lk.run(path, out=Path(folder) / "run")
        assert run.data.test is not None
        (X, y, _), (X_test, y_test, _) = (part.take(slice(0, len(part))) for part in (run.data.train, run.data.test))  # noqa: N806
        loss = run.model.layers[-1]
        is_number = isinstance(loss, lk.Loss) and loss.task == "numbers"
        scaler = StandardScaler().fit(X)
        peer = (MLPRegressor if is_number else MLPClassifier)(max_iter=run.spec.training.epochs, random_state=0)
        peer.fit(scaler.transform(X), y)
        theirs = peer.predict(scaler.transform(X_test))
        decided = run.model.decide(run.model.predict(X_test)).reshape(y_test.shape)
        ours, other = (r2_score(y_test, said) if is_number else float((said == y_test).mean()) for said in (decided, theirs))
        print(f"{path.stem}: layerkit {ours:.3f}, scikit-learn {other:.3f}")


if __name__ == "__main__":
    main()
