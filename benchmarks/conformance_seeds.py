"""How often the conformance kit raises a false alarm: every registered component, checked with many seeds.

    python benchmarks/conformance_seeds.py [--seeds 1000] [--plugins]

The bar: not once. Checks of the description draw nothing, and run with the first seed alone.
"""

from __future__ import annotations

import argparse
import sys
import time

from layerkit.errors import ConformanceError
from layerkit.registry.discovery import builtin_registry, installed_registry
from layerkit.testing.conformance import DESCRIPTION_CHECKS, checks_for, run_check


def main() -> int:
    """Check every component and print what failed; return 1 if anything did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--plugins", action="store_true", help="check the components of installed plugins too")
    options = parser.parse_args()
    registry = installed_registry() if options.plugins else builtin_registry()
    alarms = checks = 0
    for item in registry.registrations:
        start = time.perf_counter()
        for seed in range(options.seeds):
            for check in checks_for(item.component):
                if seed and check in DESCRIPTION_CHECKS:
                    continue
                checks += 1
                try:
                    run_check(check, item.component, seed)
                except ConformanceError as error:
                    alarms += 1
                    print(f"seed {seed}: {error}")
        print(f"{item.distribution}:{item.tag}: {options.seeds} seeds in {time.perf_counter() - start:.1f} s", flush=True)
    print(f"{checks} checks of {len(registry.registrations)} components, {alarms} false alarms")
    return min(alarms, 1)


if __name__ == "__main__":
    sys.exit(main())
