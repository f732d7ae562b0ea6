"""What advice knows without looking: the plugins of this project, and what other frameworks call the types."""

from __future__ import annotations

import pytest

from layerkit import Component, UnknownTypeError
from layerkit.registry.discovery import builtin_registry, installed_registry
from layerkit.registry.known_plugins import KNOWN_PLUGINS, known_owner
from layerkit.registry.registry import Problem, Registry
from layerkit.registry.synonyms import NOT_NEEDED, SYNONYMS, spelling, type_meant
from layerkit.stack.stage import Stage

BUILTINS = {item.tag for item in builtin_registry().registrations}
ALL = BUILTINS.union(*KNOWN_PLUGINS.values())


@pytest.mark.parametrize("distribution", KNOWN_PLUGINS)
def test_a_known_plugin_offers_what_is_said_of_it(distribution: str) -> None:
    offered = {item.tag for item in installed_registry().registrations if item.distribution == distribution}
    if not offered:
        pytest.skip(f"{distribution} is not installed")
    assert offered == {*KNOWN_PLUGINS[distribution]}


def test_other_names_lead_to_types_that_there_are_and_are_none_themselves() -> None:
    assert SYNONYMS.keys() <= ALL
    assert {tag for tag, _ in NOT_NEEDED.values()} <= ALL
    others = [spelling(name) for names in SYNONYMS.values() for name in names] + [spelling(name) for name in NOT_NEEDED]
    assert len(others) == len(set(others))
    assert not {*map(spelling, ALL)} & {*others}


STAGES = sorted(item.tag for item in builtin_registry().registrations if issubclass(item.component, Stage))


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("Dense", "affine"),
        ("linear", "affine"),
        ("MaxPooling2D", "max_pool2d"),
        ("sparse-categorical-crossentropy", "crossentropy"),
        ("CrossEntropy", "crossentropy"),
        ("GlorotUniform", "xavier_uniform"),
        ("dropout", None),
        ("ReduceLROnPlateau", "reduce_on_plateau"),
        ("", None),
    ],
)
def test_capitals_and_marks_make_no_difference(name: str, tag: str | None) -> None:
    assert type_meant(name) == tag


@pytest.mark.parametrize(
    ("tag", "advice"),
    [
        ("conv2d", "layerkit-vision has it: pip install layerkit-vision"),
        ("layerkit-vision:conv2d", "layerkit-vision has it: pip install layerkit-vision"),
        ("Conv2D", 'write "conv2d", as it is called here; layerkit-vision has it: pip install layerkit-vision'),
        ("residual", "layerkit-residual has it: pip install layerkit-residual"),
        ("acme:conv2d", f"there are {', '.join(f'layerkit:{tag}' for tag in STAGES)}"),
    ],
)
def test_a_type_of_a_known_plugin_is_told_what_to_install(tag: str, advice: str) -> None:
    with pytest.raises(UnknownTypeError) as error:
        builtin_registry().resolve(Stage, tag)
    assert str(error.value) == f'no installed distribution offers a layer or a loss of type "{tag}"; {advice}'


def test_what_is_there_and_was_set_aside_is_not_to_be_installed() -> None:
    broken = Registry(builtin_registry().registrations, [Problem("layerkit-vision", "1.0", "it is old")])
    disabled = Registry(builtin_registry().registrations, remark="plugins are disabled")
    for registry, advice in (
        (broken, f"there are {', '.join(STAGES)} (plugin layerkit-vision 1.0 was set aside: it is old)"),
        (disabled, "layerkit-vision has it (plugins are disabled)"),
    ):
        with pytest.raises(UnknownTypeError) as error:
            registry.resolve(Stage, "conv2d")
        assert str(error.value).endswith(f'of type "conv2d"; {advice}')


def test_what_is_here_comes_from_nowhere_else() -> None:
    assert builtin_registry().where_from("affine") is None
    assert builtin_registry().where_from("warp") is None
    assert known_owner("relu") is None
    for tag in BUILTINS:
        assert builtin_registry().matches(Component, tag)
