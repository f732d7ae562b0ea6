"""How the tests of layerkit and of its plugins are run: on which cores, and how many examples a property gets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", settings.get_profile("suite"), max_examples=5_000)
settings.load_profile("suite")  # pytest's option --hypothesis-profile loads another


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run folders on all cores, but files and single tests in this process, where they start at once and a debugger works."""
    return None if all(Path(path).is_dir() for path in config.args) else 0
