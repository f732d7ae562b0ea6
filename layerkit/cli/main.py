"""The entry point: finds the command, and turns errors into messages and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from difflib import get_close_matches
from importlib import import_module

import click

from layerkit.cli.messages import show_error
from layerkit.errors import LayerkitError
from layerkit.registry.command_names import OWN_COMMANDS, own_commands


class _Commands(click.Group):
    """The built-in commands, each imported only when it is needed, and those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*own_commands(), *sorted(_plugin_commands())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in own_commands():
            command: click.Command = import_module(f"{OWN_COMMANDS}.{cmd_name}").command
            return command
        found = _plugin_commands().get(cmd_name)
        if found is None:
            _mention_broken_plugins()
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            for nearest in get_close_matches(args[0], self.list_commands(ctx), n=1):
                raise click.UsageError(f'{error.message} Did you mean "{nearest}"?', ctx) from None
            raise


def _plugin_commands() -> dict[str, click.Command]:
    from layerkit.registry.discovery import installed_plugins

    return {str(command.name): command for plugin in installed_plugins() for command in plugin.commands}


def _mention_broken_plugins() -> None:
    from layerkit.registry.discovery import installed_registry

    for problem in installed_registry().problems:
        click.echo(f"warning: {problem}", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="layerkit", prog_name="layerkit")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--strict-plugins", is_flag=True, help="Refuse to work while a plugin is broken.")
def cli(debug: bool, strict_plugins: bool) -> None:
    """Train neural networks that are written down as data."""
    if strict_plugins:
        from layerkit.registry.discovery import require_sound_plugins

        require_sound_plugins()


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 the work failed, 2 bad input, 130 interrupted."""
    try:
        cli.main(prog_name="layerkit", standalone_mode=False)
        if sys.stdout is not None:  # None where it was closed before the start
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except (LayerkitError, OSError) as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        if isinstance(error, OSError) and sys.stdout is not None:
            # Most likely a full disk, or a reader that has gone. What is still buffered has nowhere to go either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        show_error(error)
        sys.exit(getattr(error, "exit_code", 1))
