"""`Sequential`: the runtime network."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never, NoReturn, Self, Unpack

import numpy as np
import numpy.typing as npt

from layerkit.data.samples import Batch, Rows
from layerkit.errors import DivergedError, InputError, ModelFileError, TargetError
from layerkit.history import EpochRecord, History, is_reported
from layerkit.html_table import html_table
from layerkit.losses.targets import sample_weights
from layerkit.memory import size_text
from layerkit.metrics.base import Metric
from layerkit.network.adaptation import InputBatches, adapt
from layerkit.network.arguments import held_out_samples, network_spec, training_spec
from layerkit.network.builder import assemble
from layerkit.network.foreign_names import ADVICE
from layerkit.network.inputs import as_array, frame_inputs, input_array, read_only
from layerkit.network.model_file import assign_arrays, named_arrays, read_arrays, write_arrays
from layerkit.network.passes import Passes
from layerkit.network.predictions import Predictions
from layerkit.network.scores import metric_scores
from layerkit.observers.training import Training
from layerkit.registry.registry import Registry
from layerkit.spec.canonical import required_plugins, resolved_json
from layerkit.spec.cost import cost_of, rows_at_once
from layerkit.spec.load import parse_spec
from layerkit.spec.model import ModelSpec
from layerkit.spec.summary import summary_lines
from layerkit.spec.training import FitOptions
from layerkit.stack.arrays import assign
from layerkit.stack.node import Node
from layerkit.stack.stage import Stage
from layerkit.streams import checked_seed
from layerkit.tables.encoding import Encoding
from layerkit.typing import Array, Shape

_ASSEMBLED = ("nodes", "layout", "_parameters", "_gradients", "_training_passes", "_predictions", "_training")
"""What a copy of a network makes anew."""
_LONGEST_STACK = 100
"""Most characters of node names that ``repr`` shows."""


class Sequential:
    """A stack of layers that ends with a loss, ready to run.

    Parameters
    ----------
    layers
        Descriptions, from the inputs to the loss, as objects or as a spec has them: ``ReLU()``, ``{"type": "relu"}`` or
        ``"relu"``. One object may stand in several places: each place gets its own node.
    input_shape
        Shape of one sample, without the batch, such as ``inputs.shape[1:]``; for vectors their length does.
    dtype
        Of every floating-point array in the network: float32 or float64.
    seed
        Decides the initial weights and every random number of the nodes; None takes a fresh one, kept in ``seed``.
    needs_input_gradient
        Whether `backward` returns the gradient with respect to the inputs, which costs a product more.

    Attributes
    ----------
    spec
        The network as data; ``build(model.spec, seed=model.seed)`` makes it again.
    nodes
        One `Node` a position. ``model["affine_1"]`` finds one by name, those within branches too.
    parameters, gradients
        Flat vectors (P,); the nodes' ``params`` and ``grads`` are views into them. Assigning copies into them.
    layout
        Where each parameter stands in the flat vectors.

    Raises
    ------
    SpecError
        If the layers do not make a network (see `ModelSpec`); with every fault.
    MemoryBudgetError
        If it is larger than the memory that is free.
    InputError
        If something is missing, or the seed is no integer of 0 or more.

    Notes
    -----
    `predict`, `logits`, `loss` and `evaluate` may be called from any number of threads at once, also beside a training and from
    within one another: each call predicts with nodes of its own over the same parameters. They never disturb a `backward` that is
    still to come. A training belongs to one thread.

    ``copy.copy``, ``copy.deepcopy`` and pickles give a network of its own with the same parameters, state and random streams,
    which trains on as this one would; work arrays and gradients are not carried along.

    BLAS sums in an order that depends on how many rows go together, and predictions take 1,024 at once: which rows are predicted
    together moves a logit by rounding alone. A layer that adds up n products moves by no more than n machine epsilons of the sum
    of their absolute values; by less than 20 of the largest logit with a thousand inputs, by some 70 with 20,000.
    """

    def __init__(
        self,
        layers: Iterable[Stage | dict[str, Any] | str],
        *more: Never,
        input_shape: Shape | int | None = None,
        dtype: npt.DTypeLike = "float32",
        seed: int | None = None,
        needs_input_gradient: bool = False,
    ) -> None:
        self.needs_input_gradient = needs_input_gradient
        self._assemble(network_spec(layers, more, input_shape, dtype), checked_seed(seed))

    @classmethod
    def from_spec(cls, spec: ModelSpec, seed: int | None = None, *, needs_input_gradient: bool = False) -> Self:
        """Return the network that ``spec`` describes; the same ``seed`` gives the same weights, bit for bit."""
        if not isinstance(spec, ModelSpec):
            advice = (
                "write spec.model for that of a run, load_spec(path).model for that in a file, or ModelSpec.model_validate(...)"
            )
            raise InputError(f"a network is built of a ModelSpec, received {type(spec).__name__}; {advice}")
        model = cls.__new__(cls)
        model.needs_input_gradient = needs_input_gradient
        model._assemble(spec, checked_seed(seed))
        return model

    def _assemble(self, spec: ModelSpec, seed: int, *, initialize: bool = True) -> None:
        self.spec = spec
        self.seed = seed
        wanted = self.needs_input_gradient
        plans = spec.plan()
        assembly = assemble(plans, spec.dtype, seed, initialize=initialize, needs_input_gradient=wanted)
        self.nodes: tuple[Node, ...] = assembly.nodes
        self._parameters = assembly.parameters
        self._gradients = assembly.gradients
        self.layout = assembly.layout
        work_size = sum(plan.work_size for top in plans for plan in top.tree())
        self._predictions = Predictions(self.nodes, rows_at_once(work_size, np.dtype(spec.dtype).itemsize))
        self._training_passes = Passes(self.nodes)
        self._training: Training | None = None

    def __getstate__(self) -> dict[str, Any]:
        training = self._training
        return {
            "attributes": {name: value for name, value in vars(self).items() if name not in _ASSEMBLED},
            "parameters": self._parameters,
            "state": [dict(node.state) for node in self._every_node()],
            "streams": [node.rng.bit_generator.state if node.has_drawn else None for node in self._every_node()],
            "training": training and (training.optimizer, training.folder, training.arrays(), training.memory()),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state["attributes"])
        self._assemble(self.spec, self.seed, initialize=False)
        self.parameters = state["parameters"]
        for node, arrays, stream in zip(self._every_node(), state["state"], state["streams"], strict=True):
            for name, array in arrays.items():
                assign(node.state[name], array, name)
            node.restart_stream(stream)
        if state["training"]:
            optimizer, folder, arrays, memory = state["training"]
            self._training = Training(self.nodes, self._parameters, self._gradients, self.layout, optimizer, folder)
            self._training.restore(arrays, memory)

    @property
    def parameters(self) -> Array:
        """All trainable numbers, shape (P,)."""
        return self._parameters

    @parameters.setter
    def parameters(self, values: npt.ArrayLike) -> None:
        assign(self._parameters, values, "parameters")

    @property
    def gradients(self) -> Array:
        """The gradient of the loss with respect to each of them, shape (P,)."""
        return self._gradients

    @gradients.setter
    def gradients(self, values: npt.ArrayLike) -> None:
        assign(self._gradients, values, "gradients")

    def _every_node(self) -> Iterator[Node]:
        for top in self.nodes:
            yield from top.tree()

    if not TYPE_CHECKING:  # or a type checker would take any name

        def __getattr__(self, name: str) -> NoReturn:
            near = get_close_matches(name, dir(type(self)), n=1)
            advice = ADVICE.get(name, f"did you mean {near[0]}?" if near else "")
            raise AttributeError(f"a Sequential has no {name!r}{advice and '; '}{advice}")

    @property
    def layers(self) -> tuple[Stage, ...]:
        """The descriptions that it is made of, from the inputs to the loss."""
        return self.spec.layers

    @property
    def encoding(self) -> Encoding | None:
        """How rows of a table become inputs and predictions become labels; None where the network saw no table."""
        return self.spec.encoding

    @property
    def input_shape(self) -> Shape:
        """Shape of one sample, without the batch."""
        return self.nodes[0].input_shape

    def __len__(self) -> int:
        """Return how many layers there are, the loss included."""
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def summary(self) -> None:
        """Print what the network consists of: a line for each node, with FLOPs of a step for one sample."""
        cost = cost_of(self.spec)
        total = f"{self.parameters.size:,} parameters of {self.spec.dtype}, {size_text(cost.parameters)}"
        print(*summary_lines(cost), "", total, sep="\n")

    def __repr__(self) -> str:
        stack = " -> ".join(node.name for node in self.nodes)
        if len(stack) > _LONGEST_STACK:
            stack = f"{self.nodes[0].name} -> ... -> {self.nodes[-1].name}, {len(self)} layers"
        return f"<Sequential {self.input_shape} {stack}, {self.parameters.size:,} parameters, {self.spec.dtype}>"

    def _repr_html_(self) -> str:
        """Return the table of `summary`, for notebooks."""
        rows = [
            (node.name, node.type, node.input_shape, node.output_shape, f"{node.parameters:,}")
            for node in cost_of(self.spec).nodes
        ]
        return html_table(repr(self), ("node", "type", "input", "output", "parameters"), rows)

    def __getitem__(self, name: str | int) -> Node:
        """Return the node called ``name``, or the one at that place in the stack.

        Raises
        ------
        KeyError, IndexError
            If there is none.
        """
        if not isinstance(name, str):
            return self.nodes[name]
        known = {node.name: node for node in self._every_node()}
        if name not in known:
            raise KeyError(f"no node is called {name!r}; there are {', '.join(known)}")
        return known[name]

    def loss_and_gradients(
        self, inputs: npt.ArrayLike, targets: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Return the loss of a batch in training mode and fill ``gradients`` with its gradient, overwriting.

        Parameters
        ----------
        inputs
            Shape (N, \\*input_shape).
        targets
            N targets, as the loss takes them.
        sample_weight
            Shape (N,); None weighs all samples alike.

        Raises
        ------
        DataError
            If the inputs have another shape than the network expects, or there are none.
        TargetError
            If the targets do not fit the loss.
        """
        loss = self.forward_loss(inputs, targets, sample_weight)
        self.backward()
        return loss

    def forward_loss(self, inputs: npt.ArrayLike, targets: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return the loss of a batch in training mode, ready for `backward`; parameters as for `loss_and_gradients`.

        Arrays of the network's dtype are not copied: they must not change before `backward`.
        """
        return self.batch_loss(self.checked(inputs, targets, sample_weight))

    def batch_loss(self, batch: Batch) -> float:
        """Return the loss of a batch that `checked` gave, in training mode, ready for `backward`."""
        return self._training_passes.loss(batch)

    def backward(self, d_out: float = 1.0) -> Array | None:
        """Fill ``gradients`` with ``d_out`` times the gradient of the loss of the forward pass just done, overwriting.

        Returns
        -------
        Array or None
            The gradient with respect to the inputs, shape (N, \\*input_shape), in an array that the next pass overwrites; None
            where the network was not made with ``needs_input_gradient``.

        Raises
        ------
        InputError
            If no forward pass was done, or it failed.
        ComponentError
            If a layer or the loss fails, or returns what it may not.
        """
        return self._training_passes.backward(d_out)

    def loss(self, inputs: npt.ArrayLike, targets: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return the loss of samples in prediction mode, a weighted mean; parameters as for `loss_and_gradients`."""
        return self._predictions.loss(self.checked(inputs, targets, sample_weight))

    def logits(self, inputs: npt.ArrayLike) -> Array:
        """Return what enters the loss, in prediction mode, as a new array (N, \\*logits_shape)."""
        return self._predictions.logits(self.checked_inputs(inputs))

    def predict(self, inputs: npt.ArrayLike) -> Array:
        """Return what the loss predicts from the logits, such as probabilities (N, K), in prediction mode, as a new array.

        Raises
        ------
        DataError
            If the inputs do not fit.
        ComponentError
            If a layer or the loss fails, or returns what it may not.
        """
        return self._predictions.predict(self.checked_inputs(inputs))

    def decide(self, predictions: npt.ArrayLike) -> Array:
        """Return what predictions mean: class numbers (N,), zeros and ones (N, K) for sets of labels, or the numbers themselves.

        Raises
        ------
        ComponentError
            If the loss fails.
        """
        return self._predictions.decide(np.asarray(predictions))

    def evaluate(
        self,
        inputs: npt.ArrayLike,
        targets: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        metrics: Sequence[Metric | dict[str, Any] | str] = (),
    ) -> dict[str, float]:
        """Return how the network does on samples: its ``loss``, and each metric by its label.

        Other parameters and errors are as for `loss_and_gradients`.

        Raises
        ------
        SpecError, InputError
            If ``metrics`` are no list of metrics.
        DivergedError
            If the loss or a prediction is not finite.
        """
        if isinstance(metrics, str | dict | Metric):
            raise InputError('evaluate takes a list of metrics, such as metrics=["accuracy"]')
        wanted = [Metric.made_of(metric, "evaluate: metrics") for metric in metrics]
        with np.errstate(all="ignore"):  # overflow shows in what is not finite, and is reported as that
            scores = {"loss": self.loss(inputs, targets, sample_weight)}
            predictions = self.predict(inputs) if metrics else np.zeros(0)
        if not (math.isfinite(scores["loss"]) and np.isfinite(predictions).all()):
            what = "the predictions are not finite" if not np.isfinite(predictions).all() else f"the loss is {scores['loss']}"
            raise DivergedError(f"{what}, so the samples have no score; the parameters or the inputs are too large")
        if metrics:
            weight = None if sample_weight is None else self._weights(sample_weight, len(predictions))
            scores |= self.metrics(predictions, read_only(as_array(targets, "targets")), weight, wanted)
        return scores

    def metrics(
        self, predictions: Array, targets: Array, sample_weight: Array | None, metrics: Sequence[Metric]
    ) -> dict[str, float]:
        """Return figures of what `predict` returned, each by the label of its metric.

        Raises
        ------
        DivergedError
            If a prediction is not finite.
        ComponentError
            If a metric or the loss fails.
        """
        return metric_scores(metrics, predictions, targets, sample_weight, self._predictions.decide)

    def adapt(self, inputs: npt.ArrayLike) -> None:
        """Let layers such as `Standardize` measure samples, also those that have before; the first `fit` does it by itself.

        Parameters
        ----------
        inputs
            The training samples, shape (N, \\*input_shape).

        Raises
        ------
        DataError
            If they do not fit, or a layer can learn nothing of them.
        ComponentError
            If a layer fails.
        """
        given = self.checked_inputs(inputs)
        adapt(self.nodes, InputBatches(given.__getitem__, len(given), self._predictions.rows), anew=True)

    def adapt_once(self, take: Callable[[slice], Array], count: int) -> None:
        """Let the layers adapt that have not yet, to the inputs that ``take`` gives of ``count`` samples; errors as `adapt`."""
        adapt(self.nodes, InputBatches(take, count, self._predictions.rows))

    def fit(
        self,
        inputs: npt.ArrayLike,
        targets: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        validation: tuple[npt.ArrayLike | None, ...] | None = None,
        verbose: bool = False,
        folder: str | Path = ".",
        **options: Unpack[FitOptions],
    ) -> History:
        """Train on samples, and return the records of the epochs.

        Without an optimizer, steps are `SGD` with a learning rate of 0.01 and a momentum of 0.9, on batches of 32; without a
        number of epochs there are 100. Ctrl-C ends the training, with a warning: what was learnt is kept, and the records so
        far are returned.

        A second call goes on where the last one ended if its optimizer is an equal one: with what the optimizer remembers, the
        next epoch, the next order of the samples, and what the observers remember, so that 10 epochs and 10 more are 20, bit for
        bit. With another optimizer, or another learning rate, it starts from the present weights, and all else anew: the epochs
        from 0, the optimizer with an empty memory, the orders from the first. ``del model.training`` asks for that too. A
        schedule that looks at how many epochs there will be sees those of the calls so far, so that two calls are not as one.

        Parameters
        ----------
        inputs, targets, sample_weight
            As for `loss_and_gradients`.
        validation
            Inputs and targets, and sample weights where wanted: what the loss and the metrics are measured on after each epoch.
        verbose
            Print about twenty lines as it goes, each with an epoch's figures.
        folder
            Where observers write.
        options
            The keys of a spec's training block, see `layerkit.TrainingSpec`: ``optimizer``, ``epochs``, ``batch_size`` (None: all
            samples; the default beside an optimizer), ``shuffle``, ``schedule``, ``metrics``, ``observers``.

        Raises
        ------
        SpecError
            If an option is wrong.
        InputError
            If there are metrics and nothing to measure them on, or ``validation`` is not two or three arrays.
        DataError, DivergedError, ComponentError
            As for `layerkit.Trainer.train`.
        """
        from layerkit import Trainer

        samples = self.checked_inputs(inputs)
        spec = training_spec(options, len(samples))
        if spec.metrics and validation is None:
            raise InputError("metrics are measured on validation samples; give validation=(inputs, targets), or call evaluate")
        last = self._training
        goes_on = last is not None and last.optimizer == spec.optimizer
        trainer = Trainer(self, spec, folder=folder, training=last if goes_on else None)
        held_out = None
        if validation is not None:
            held_out = held_out_samples(validation)
        records = trainer.run(samples, targets, sample_weight, held_out)  # which looks at the samples at once
        self._training = trainer.training
        history: list[EpochRecord] = []
        try:
            for record in records:
                history.append(record)
                if verbose and is_reported(record.epoch, trainer.training.epochs, spec.report_every):
                    print(record)
        except KeyboardInterrupt:
            message = f"interrupted in epoch {trainer.training.epoch}; fit with an equal optimizer goes on from there"
            warnings.warn(message, stacklevel=2)
        return History(history)

    @property
    def training(self) -> Training | None:
        """What the last call of `fit` owned, from which the next one goes on."""
        return self._training

    @training.deleter
    def training(self) -> None:
        self._training = None

    def save(self, path: str | Path, registry: Registry | None = None) -> None:
        """Write the spec, the parameters and the state to one safetensors file, whole or not at all.

        Parameters
        ----------
        path
            The file.
        registry
            Says where the network's components come from; None stands for what is installed.

        Raises
        ------
        ModelFileError
            If the file cannot be written there, or would hold what is not finite.
        WorkError
            If the disk is full.
        RegistrationError
            If a class has the type of another one, which `load` would take in its place.
        """
        write_arrays(Path(path), named_arrays(self.nodes), {"spec": resolved_json(self.spec, registry)})

    @classmethod
    def load(cls, path: str | Path, registry: Registry | None = None) -> Self:
        """Return the network that `save` wrote; its predictions are the same bit for bit on the same machine.

        Nothing in the file is executed: the spec in it is validated like any other. The random streams start anew, from seed 0.

        Parameters
        ----------
        path
            The file.
        registry
            The components that it may name; None for those that are installed.

        Raises
        ------
        ModelFileError
            If the file is missing, damaged, or no saved model.

        Warns
        -----
        UserWarning
            If a type comes from another version of its plugin than the model was saved with.
        """
        path = Path(path)
        arrays, metadata = read_arrays(path)
        if "spec" not in metadata:
            raise ModelFileError(f"{path}: there is no spec in this file; it holds weights only")
        try:
            spec = parse_spec(metadata["spec"], f"{path}, spec in the metadata", registry=registry)
        except ValueError as error:
            raise ModelFileError(f"{path}: the spec in this file is not valid here", *str(error).split("\n")) from None
        if not isinstance(spec, ModelSpec):
            raise ModelFileError(f"{path}: the spec in this file is a run; expected a model")
        present = required_plugins(spec, registry)
        for tag, recorded in (json.loads(metadata["spec"]).get("plugins") or {}).items():
            if present.get(tag, recorded) != recorded:
                message = f"{path} was saved with {recorded}, and here is {present[tag]}: what {tag} does may have changed"
                warnings.warn(message, stacklevel=2)
        model = cls.__new__(cls)
        model.needs_input_gradient = False
        model._assemble(spec, 0, initialize=False)
        assign_arrays(model.nodes, arrays, path)
        return model

    def load_weights(self, path: str | Path) -> None:
        """Copy the parameters and the state of a safetensors file into the network, by name.

        Raises
        ------
        ModelFileError
            If the file is missing or damaged, or its names and shapes differ from the network's.
        """
        assign_arrays(self.nodes, read_arrays(Path(path))[0], Path(path))

    def checked(
        self,
        inputs: npt.ArrayLike,
        targets: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        rows: Rows | None = None,
    ) -> Batch:
        """Return samples as the network takes them: in its dtype, with targets as the loss prepares them.

        Parameters and errors are as for `loss_and_gradients`; ``rows`` says which samples they are, where they are part of
        more. The arrays cannot be written, so that no layer reaches the caller's.
        """
        samples = self.checked_inputs(inputs, rows)
        wanted = self.checked_targets(targets, len(samples))
        return Batch(samples, wanted, None if sample_weight is None else self._weights(sample_weight, len(samples)))

    @staticmethod
    def _weights(sample_weight: npt.ArrayLike, count: int) -> Array:
        return read_only(sample_weights(as_array(sample_weight, "sample weights"), count))

    def checked_inputs(self, inputs: npt.ArrayLike, rows: Rows | None = None) -> Array:
        """Return ``inputs`` as an array of the network's dtype, which cannot be written; ``rows`` as for `checked`.

        A table of pandas or polars is encoded as the one was that the network was trained on, columns found by their names.

        Raises
        ------
        DataError
            If the shape is not (N, \\*input_shape) with N of at least 1, or a value is no finite number in the dtype's range;
            names the first such row, and its column.
        """
        if self.encoding is not None and hasattr(inputs, "columns"):
            inputs = frame_inputs(inputs, self.encoding)
        return input_array(inputs, self.input_shape, self._parameters.dtype, rows)

    def checked_targets(self, targets: npt.ArrayLike, count: int) -> Array:
        """Return ``targets`` as the loss prepares them, as an array of ``count`` rows, which cannot be written.

        Raises
        ------
        TargetError
            If they do not fit; names the first offending row.
        DataError
            If they make no array.
        ComponentError
            If the loss fails, or prepares something else.
        """
        array = as_array(targets, "targets")
        if not array.ndim or len(array) != count:
            raise TargetError(f"expected {count} targets, one a sample; received an array of shape {array.shape}")
        return read_only(self._training_passes.prepare(read_only(array)))


def build(spec: ModelSpec, seed: int | None = None) -> Sequential:
    """Return the network that ``spec`` describes; the same ``seed`` gives the same weights, bit for bit.

    Raises
    ------
    InputError
        If it is no `ModelSpec`, or the seed is no integer of 0 or more.
    MemoryBudgetError
        If the network is larger than the memory that is free.
    """
    return Sequential.from_spec(spec, seed)
