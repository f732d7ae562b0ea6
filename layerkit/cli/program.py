"""The program: finds the command, and turns errors into messages and exit codes."""

from __future__ import annotations

import io
import os
import platform
import sys
from contextlib import redirect_stderr
from importlib import import_module
from importlib.metadata import version
from typing import Any

import click

from layerkit.cli.advice import Commands, advice
from layerkit.cli.ending import Ending
from layerkit.cli.messages import forgiving, say, say_aside, show_error, show_notes, show_traceback, show_usage
from layerkit.errors import LayerkitError, WorkError, described
from layerkit.registry.command_names import OWN_COMMANDS, own_commands
from layerkit.version import __version__

_COMPLETION = "_LAYERKIT_COMPLETE"
"""Environment variable in which a shell asks for completions, or for the program that does so."""


class _Program(Commands):
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

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, LayerkitError, OSError):
            raise
        except Exception as error:
            raise WorkError(f"{_owner(ctx.invoked_subcommand)} raised {described(error)}; --debug shows where") from error


def _owner(command: str | None) -> str:
    """Return whose code it is that does a command."""
    from layerkit.registry.discovery import installed_plugins

    for plugin in installed_plugins():
        if command in [found.name for found in plugin.commands]:
            return f'the command "{command}" of {plugin.distribution} {plugin.version}'
    return f'the command "{command}" of layerkit {__version__}, which is a fault to be reported,'


def _plugin_commands() -> dict[str, click.Command]:
    from layerkit.registry.discovery import installed_plugins

    return {str(command.name): command for plugin in installed_plugins() for command in plugin.commands}


def _mention_broken_plugins() -> None:
    from layerkit.registry.discovery import installed_registry

    for problem in installed_registry().problems:
        say_aside(f"warning: {problem}")


_EPILOG = f"""\b
The TAB key completes commands, options and files after this line in ~/.bashrc
  eval "$({_COMPLETION}=bash_source layerkit)"
in ~/.zshrc
  eval "$({_COMPLETION}=zsh_source layerkit)"
or in ~/.config/fish/completions/layerkit.fish
  {_COMPLETION}=fish_source layerkit | source
"""


@click.group(
    cls=_Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    no_args_is_help=True,
    epilog=_EPILOG,
)
@click.option("--version", "asks_version", is_flag=True, help="Show the version; with -v those of the plugins too.")
@click.option("-v", "--verbose", is_flag=True, help="Say more; for --version.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--strict-plugins", is_flag=True, help="Refuse to work while a plugin is broken.")
@click.pass_context
def cli(ctx: click.Context, asks_version: bool, verbose: bool, debug: bool, strict_plugins: bool) -> None:
    """Train neural networks that are written down as data."""
    if strict_plugins:
        from layerkit.registry.discovery import require_sound_plugins

        require_sound_plugins()
    if asks_version:
        _show_version(verbose)
        ctx.exit()
    if ctx.invoked_subcommand is None:
        ctx.fail(f'Missing command. "{ctx.command_path} --help" lists the commands.')


def _show_version(verbose: bool) -> None:
    say(f"layerkit, version {__version__}")
    if not verbose:
        return
    from layerkit.registry.discovery import installed_plugins

    say(f"Python {platform.python_version()}")
    say(f"NumPy {version('numpy')}")
    for plugin in installed_plugins():
        say(f"{plugin.distribution} {plugin.version}" + (", set aside: see layerkit doctor" if plugin.problem else ""))


def run_program(ending: Ending) -> None:
    """Run the command line; ``ending`` says what a signal makes of it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr has it: a console may not know every character
    completing = _COMPLETION in os.environ
    with redirect_stderr(io.StringIO() if completing else forgiving(sys.stderr)):
        _run(ending)


def _run(ending: Ending) -> None:
    try:
        cli.main(prog_name="layerkit", complete_var=_COMPLETION, standalone_mode=False)
        if sys.stdout is not None:  # None where it was closed before the start
            sys.stdout.flush()
    except click.ClickException as error:
        show_usage(error, advice(error, cli) if isinstance(error, click.UsageError) else None)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        show_notes(error.__cause__ or error)
        say_aside(ending.word)
        sys.exit(ending.exit_code)
    except (LayerkitError, OSError) as error:
        if "--debug" in sys.argv:
            show_traceback()
        if isinstance(error, OSError) and sys.stdout is not None:
            # Most likely a full disk, or a reader that has gone. What is still buffered has nowhere to go either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        show_error(error)
        show_notes(error)
        sys.exit(getattr(error, "exit_code", 1))
