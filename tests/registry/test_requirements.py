"""Which requirements of a distribution are met here."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from layerkit.registry.requirements import unmet_requirement

PRESENT = version("pluggy")
MAJOR, MINOR = PRESENT.split(".")[:2]


@pytest.mark.parametrize(
    "requirement",
    [
        "pluggy",
        "Pluggy",
        "pluggy>=1",
        "pluggy >= 1.0.0.0.0",
        "pluggy (>=1)",
        "pluggy[testing]>=1",
        f"pluggy=={PRESENT}",
        f"pluggy=={PRESENT}.0",
        f"pluggy=={MAJOR}.*",
        f"pluggy~={MAJOR}.{MINOR}",
        f"pluggy>={PRESENT},<={PRESENT}",
        f"pluggy<{int(MAJOR) + 1}",
        "pluggy>0.9",
        "pluggy!=0.*",
        "pluggy!=99",
        "pluggy>=99; extra == 'test'",
        "pluggy>=99; python_version < '3'",
        "pluggy @ https://example.org/pluggy.whl",
        "pluggy >=< 99",
        "no such requirement",
    ],
)
def test_a_met_requirement(requirement: str) -> None:
    assert unmet_requirement(requirement) is None


@pytest.mark.parametrize(
    "requirement",
    [
        "pluggy>=99",
        "pluggy (>=99)",
        "pluggy[testing]>=99",
        "pluggy>=1,<1.0.1",
        f"pluggy>{PRESENT}",
        f"pluggy>{PRESENT}.0",
        f"pluggy!={PRESENT}",
        f"pluggy!={MAJOR}.*",
        "pluggy==0.*",
        "pluggy==1.0.1",
        f"pluggy~={MAJOR}.{int(MINOR) + 1}",
        "pluggy~=0.9",
        "pluggy<1",
        "pluggy<=1.0",
    ],
)
def test_an_unmet_requirement(requirement: str) -> None:
    assert unmet_requirement(requirement) == f"{requirement}; here is pluggy {PRESENT}"


def test_a_distribution_that_is_missing() -> None:
    assert unmet_requirement("no-such-distribution>=1") == "no-such-distribution>=1, which is not installed"
