"""The third party's components keep the promises of their families, each in a short file of its own."""

from __future__ import annotations

from pathlib import Path

import layerkit_thirdparty
import numpy as np
import pytest

from layerkit import Component


@pytest.mark.parametrize("cls", layerkit_thirdparty.COMPONENTS)
def test_conformance(cls: type[Component], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from layerkit.testing import check_component

    monkeypatch.chdir(tmp_path)  # where the data set of files finds some
    np.save("inputs.npy", np.random.default_rng(0).standard_normal((30, 4)))
    np.save("targets.npy", np.arange(30) % 3)
    check_component(cls)


@pytest.mark.parametrize("cls", layerkit_thirdparty.COMPONENTS)
def test_one_component_takes_less_than_sixty_lines(cls: type[Component]) -> None:
    path = Path(layerkit_thirdparty.__file__).with_name(cls.__module__.rpartition(".")[2] + ".py")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 60
    assert cls.__doc__
