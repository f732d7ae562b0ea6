"""The entry point: finds the command, and turns errors into messages and exit codes."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from layerkit.cli.messages import show_error
from layerkit.errors import LayerkitError

_COMMANDS = ("components", "gradcheck", "schema", "summary", "train", "validate")


class _Commands(click.Group):
    """The built-in commands, each imported only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"layerkit.cli.{cmd_name}").command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="layerkit", prog_name="layerkit")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Train neural networks that are written down as data."""


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 the work failed, 2 bad input, 130 interrupted."""
    try:
        cli.main(prog_name="layerkit", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except LayerkitError as error:
        if "--debug" in sys.argv:
            raise
        show_error(error)
        sys.exit(error.exit_code)
