"""The entry point: what ends the program is listened for before anything else is imported."""

from __future__ import annotations

import sys

from layerkit.cli.ending import Ending


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 the work failed, 2 bad input, 128 and its number where a signal ended it."""
    with Ending() as ending:
        try:
            from layerkit.cli.program import run_program
        except KeyboardInterrupt:
            sys.exit(ending.exit_code)
        run_program(ending)
