"""Building: the same spec and seed give the same network, from Python and from JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import layerkit as lk
from layerkit.errors import InputError, MemoryBudgetError

initializers = st.one_of(
    st.builds(lk.Zeros),
    st.builds(lk.Constant, value=st.floats(-3, 3)),
    st.builds(lk.Normal, mean=st.floats(-1, 1), std=st.floats(0.01, 1)),
    st.builds(lk.Uniform, low=st.floats(-2, -1), high=st.floats(-1, 2, exclude_min=True)),
    st.builds(lk.XavierUniform),
    st.builds(lk.XavierNormal),
    st.builds(lk.HeUniform),
    st.builds(lk.HeNormal),
)
layers = st.one_of(
    st.builds(lk.ReLU),
    st.builds(lk.Affine, units=st.integers(1, 6), weight_init=initializers, bias_init=initializers),
)


@st.composite
def models(draw: st.DrawFn) -> lk.ModelSpec:
    """Draw a spec: a stack of some layers, with names of their own here and there."""
    hidden = draw(st.lists(layers, max_size=5))
    stack = [
        layer.model_copy(update={"name": f"own-name-{index}"}) if draw(st.booleans()) else layer
        for index, layer in enumerate(hidden)
    ]
    return lk.ModelSpec(
        input_shape=(draw(st.integers(1, 5)),),
        dtype=draw(st.sampled_from(["float32", "float64"])),
        layers=(*stack, lk.CategoricalCrossEntropy()),
    )


@settings(max_examples=80, deadline=None)
@given(models(), st.integers(0, 2**53 - 1))
def test_a_spec_goes_to_json_and_back_to_the_same_network(spec: lk.ModelSpec, seed: int) -> None:
    from_python = lk.Sequential(spec.layers, input_shape=spec.input_shape, dtype=spec.dtype, seed=seed)
    assert from_python.spec == spec

    again = lk.ModelSpec.model_validate_json(from_python.spec.model_dump_json())
    assert again == spec
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in spec.layers]

    from_json = lk.build(again, seed=seed)
    assert from_json.spec == spec
    assert from_json.seed == from_python.seed == seed
    assert from_json.parameters.dtype == spec.dtype
    assert from_json.parameters.tobytes() == from_python.parameters.tobytes()
    assert [node.name for node in from_json.nodes] == [node.name for node in from_python.nodes]


def test_handwritten_json_and_python_say_the_same() -> None:
    text = """
    {"layerkit": 1, "input_shape": [4], "dtype": "float64", "layers": [
        {"type": "affine", "units": 8, "weight_init": {"type": "normal", "std": 0.1}, "name": "hidden"},
        {"type": "relu"},
        {"type": "affine", "units": 3},
        {"type": "crossentropy"}
    ]}
    """
    from_json = lk.build(lk.ModelSpec.model_validate_json(text), seed=5)
    from_python = lk.Sequential(
        [
            lk.Affine(units=8, weight_init=lk.Normal(std=0.1), name="hidden"),
            lk.ReLU(),
            lk.Affine(units=3),
            lk.CategoricalCrossEntropy(),
        ],
        input_shape=(4,),
        dtype="float64",
        seed=5,
    )
    assert from_json.spec == from_python.spec
    assert_array_equal(from_json.parameters, from_python.parameters)
    dumped = json.loads(from_python.spec.model_dump_json())
    assert dumped["layers"][0]["weight_init"] == {"type": "normal", "mean": 0.0, "std": 0.1}
    assert "name" not in dumped["layers"][1]


def weights(*stack: lk.Layer, seed: int = 0) -> dict[str, bytes]:
    """Build the stack and return the bytes of each array by its node's name."""
    model = lk.Sequential([*stack, lk.CategoricalCrossEntropy()], input_shape=(4,), seed=seed)
    return {f"{node.name}.{name}": array.tobytes() for node in model.nodes for name, array in node.params.items()}


def dense(units: int = 4, name: str | None = None) -> lk.Affine:
    return lk.Affine(units=units, bias_init=lk.Normal(), name=name)


def test_another_layer_in_between_leaves_the_initial_weights() -> None:
    before = weights(dense(8), dense(3))
    assert weights(dense(8), lk.ReLU(), dense(3)) == before
    assert weights(lk.ReLU(), dense(8), lk.ReLU(), lk.ReLU(), dense(3)) == before


def test_a_longer_stack_starts_like_the_shorter_one() -> None:
    before = weights(dense(8), dense(3))
    assert weights(dense(8), dense(3), dense(5)).items() > before.items()


def test_the_seed_and_the_name_decide_the_weights() -> None:
    same = weights(dense(), dense(name="other"))
    assert weights(dense(), dense(name="other")) == same
    assert not set(same.values()) & set(weights(dense(), dense(name="other"), seed=1).values())
    assert len(set(same.values())) == 4
    renamed = weights(dense(), dense(name="another"))
    assert renamed["affine_1.weight"] == same["affine_1.weight"]
    assert renamed["another.weight"] != same["other.weight"]


def test_without_a_seed_a_fresh_one_is_taken_and_kept() -> None:
    stack = [dense(), lk.CategoricalCrossEntropy()]
    first, second = (lk.Sequential(stack, input_shape=(4,)) for _ in range(2))
    assert first.seed != second.seed
    assert first.parameters.tobytes() != second.parameters.tobytes()
    for model in (first, second):
        assert lk.build(model.spec, seed=model.seed).parameters.tobytes() == model.parameters.tobytes()
        assert 0 <= model.seed < 2**53


def test_a_seed_may_be_any_integer_of_numpy_or_python() -> None:
    integer: Any = np.int64(3)
    model = lk.build(lk.ModelSpec(input_shape=(4,), layers=(dense(), lk.CategoricalCrossEntropy())), seed=integer)
    assert type(model.seed) is int
    assert model.parameters.tobytes() == lk.build(model.spec, seed=3).parameters.tobytes()
    large = lk.build(model.spec, seed=2**70)
    assert large.seed == 2**70
    assert large.parameters.tobytes() != lk.build(model.spec, seed=0).parameters.tobytes()


def test_a_seed_that_is_none_is_refused() -> None:
    stack = [dense(), lk.CategoricalCrossEntropy()]
    with pytest.raises(InputError, match="a seed is an integer of 0 or more, received -1"):
        lk.Sequential(stack, input_shape=(4,), seed=-1)
    half: Any = 0.5
    with pytest.raises(InputError, match=r"a seed is an integer of 0 or more, received 0\.5"):
        lk.Sequential(stack, input_shape=(4,), seed=half)


def test_each_node_has_a_random_stream_of_its_own() -> None:
    stack = [dense(), dense(), lk.CategoricalCrossEntropy()]
    first, second = (lk.Sequential(stack, input_shape=(4,), seed=1) for _ in range(2))
    drawn = [node.rng.random(4).tolist() for node in first.nodes]
    assert drawn == [node.rng.random(4).tolist() for node in second.nodes]
    assert len({tuple(numbers) for numbers in drawn}) == 3


def test_weight_decay_applies_to_the_parameters_that_do_not_decline_it() -> None:
    model = lk.Sequential([dense(8), lk.ReLU(), dense(3), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    model.parameters[:] = 0
    for place in model.layout:
        model.parameters[place.segment] = place.decays
    for node in model.nodes:
        for name, array in node.params.items():
            assert_array_equal(array, np.full(array.shape, name == "weight"))


def test_the_layout_names_and_places_every_parameter() -> None:
    model = lk.Sequential([dense(8), lk.ReLU(), dense(3), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    assert [(place.name, place.shape) for place in model.layout] == [
        ("affine_1.weight", (4, 8)),
        ("affine_1.bias", (8,)),
        ("affine_2.weight", (8, 3)),
        ("affine_2.bias", (3,)),
    ]
    for place in model.layout:
        node, _, name = place.name.partition(".")
        assert_array_equal(model.parameters[place.segment].reshape(place.shape), model[node].params[name])
        assert np.shares_memory(model.parameters[place.segment], model[node].params[name])


def test_nodes_know_their_place() -> None:
    model = lk.Sequential([lk.ReLU(), dense(8), dense(3), lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)
    places = [(node.name, node.input_shape, node.output_shape, node.needs_input_gradient) for node in model.nodes]
    assert places == [
        ("relu_1", (4,), (4,), False),
        ("affine_1", (4,), (8,), False),
        ("affine_2", (8,), (3,), True),
        ("crossentropy_1", (3,), (), True),
    ]
    assert [node.stage for node in model.nodes] == list(model.spec.layers)
    assert repr(model["affine_2"]) == "<Node affine_2: (8,) -> (3,)>"


def test_a_network_beyond_the_memory_is_refused_before_anything_is_allocated() -> None:
    with pytest.raises(MemoryBudgetError, match="5000000000000000 parameters"):
        lk.Sequential([lk.Affine(units=10**15), lk.CategoricalCrossEntropy()], input_shape=(4,))


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ([lk.Affine(units=3)], r"layers\[0\]: .*loss"),
        ([], "Sequential: layers: expected 1 or more items"),
        ([lk.CategoricalCrossEntropy(), lk.CategoricalCrossEntropy()], r"layers\[0\]: .*loss"),
        ([lk.ReLU(name="a"), lk.ReLU(name="a"), lk.CategoricalCrossEntropy()], r'layers\[1\]: .*name "a"'),
    ],
    ids=["no loss", "nothing", "loss in the middle", "name twice"],
)
def test_a_stack_that_is_no_network_is_refused(stack: list[lk.Layer], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lk.Sequential(stack, input_shape=(4,))


def draws(result: Callable[[lk.Shape], Any]) -> lk.Initializer:
    class Odd(lk.Initializer):
        type: Literal["odd"] = "odd"

        def draw(self, shape: lk.Shape, rng: np.random.Generator) -> lk.Array:
            drawn: lk.Array = result(shape)
            return drawn

    return Odd()


def fails(error: BaseException) -> Callable[[lk.Shape], Any]:
    def fail(shape: lk.Shape) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        (fails(ValueError("no such luck")), "raised ValueError: no such luck"),
        (fails(SystemExit(0)), "raised SystemExit: 0"),
        (fails(RecursionError()), "raised RecursionError"),
        (lambda shape: None, "gives shape .*, expected"),
        (lambda shape: np.zeros(shape[:-1]), "gives shape .*, expected"),
        (lambda shape: np.zeros((*shape, 1)), "gives shape .*, expected"),
        (lambda shape: 0.5, "gives shape .*, expected"),
        (lambda shape: np.full(shape, "a"), "raised ValueError: could not convert"),
    ],
    ids=["ValueError", "SystemExit", "RecursionError", "None", "too few axes", "too many axes", "a number", "text"],
)
@pytest.mark.parametrize("array", ["weight", "bias"])
def test_an_initializer_that_misbehaves_is_named_with_its_array(
    result: Callable[[lk.Shape], Any], fault: str, array: str
) -> None:
    """Broadcasting would make initial values of a result of another shape."""
    layer = lk.Affine(units=3, **{f"{array}_init": draws(result)})
    with pytest.raises(lk.ComponentError, match=rf"^affine_1\.{array}: Odd\.draw of the module .*{fault}"):
        lk.Sequential([layer, lk.CategoricalCrossEntropy()], input_shape=(4,), seed=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_initial_values_that_are_not_finite_are_refused_by_name(dtype: Any) -> None:
    wide: lk.Initializer = lk.Constant(value=1e300) if dtype == "float32" else lk.Normal(std=1.7e308)
    with pytest.raises(InputError, match=r"affine_1\.weight: .* not finite in " + dtype):
        lk.Sequential(
            [lk.Affine(units=99, weight_init=wide), lk.CategoricalCrossEntropy()], input_shape=(9,), dtype=dtype, seed=0
        )
