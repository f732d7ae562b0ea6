"""What to do about a command line that click does not understand."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import click

from layerkit.layout import without_marks
from layerkit.printable import printable

_MEANT = {
    "check": "validate",
    "describe": "summary",
    "fit": "train",
    "help": "--help",
    "info": "doctor",
    "infer": "predict",
    "init": "new",
    "lint": "validate",
    "list": "components",
    "plugins": "doctor",
    "run": "train",
    "score": "evaluate",
    "show": "summary",
    "start": "train",
    "test": "evaluate",
    "version": "--version",
}
"""Names that other programs have for what a command does."""
_SHORT = {"batch": "batch_size", "decay": "weight_decay", "epoch": "epochs", "lr": "learning_rate", "optim": "optimizer"}


class Commands(click.Group):
    """A group of commands that says what was meant by a name which is none of them."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first of ``args`` names."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchOption:
            raise
        except click.UsageError:
            raise click.UsageError(f"No such command {args[0]!r}. {self._meant(ctx, args[0])}", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the whole first sentence of what they do; click cuts it at the end of the line."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(limit=1000)) for name, command in found if command and not command.hidden]
        with formatter.section("Commands"):
            formatter.write_dl([(name, printable(without_marks(text))) for name, text in rows])

    def _meant(self, ctx: click.Context, name: str) -> str:
        path = ctx.command_path
        if ctx.parent is None:
            if name in _MEANT:
                return f'Did you mean "{path} {_MEANT[name]}"?'
            if name.endswith((".json", ".safetensors")) or Path(name).exists():
                reader = "train" if name.endswith(".json") else "summary"
                return f'A command comes first: "{path} {reader} {printable(name)}"?'
        for nearest in get_close_matches(name, self.list_commands(ctx), n=1):
            return f'Did you mean "{nearest}"?'
        return f'"{path} --help" lists the commands.'


def advice(error: click.UsageError, program: click.Group) -> str | None:
    """Return what to do about a wrong use of a command of ``program``; None where click says enough."""
    ctx = error.ctx
    if isinstance(error, click.BadOptionUsage) and not isinstance(error, click.NoSuchOption):
        return _help_of(error.option_name, program, sys.argv)
    if ctx is None:
        return None
    if isinstance(error, click.NoSuchOption):
        return _for_option(error.option_name, ctx)
    if isinstance(error, click.MissingParameter):
        if error.param is not None and error.param.name == "model_path":
            return f'Name a model file or a run directory, then the data: "{ctx.command_path} runs/flowers-001 new.csv".'
        if error.param is not None and "DATA" in (error.param.metavar or ""):
            return f'Name the data last, a CSV or Parquet file, or "-" for standard input: "{ctx.command_path} ... new.csv".'
        if error.param is not None and "SPEC" in (error.param.metavar or ""):
            return f'Name a file with a spec, or "-" for standard input: "{ctx.command_path} spec.json".'
        return f'"{ctx.command_path} --help" says what it is.'
    if isinstance(error, click.BadParameter) and error.param is not None and isinstance(error.param.type, click.IntRange):
        return f"Expected a whole number of {error.param.type.min} or more."
    extra = re.search(r"unexpected extra arguments? \((.*)\)", error.message, re.DOTALL)
    if extra:
        if _sets_values(ctx.command):
            if "=" in extra[1]:
                return f"A value of the spec is changed with --set {printable(extra[1])}."
            return "One spec at a time; --set takes PATH=VALUE, in quotes where there are blanks: --set 'name=my run'."
        return f'"{ctx.command_path} --help" says what it takes.'
    return None


def _for_option(name: str, ctx: click.Context) -> str:
    key, command, above = name.lstrip("-").replace("-", "_"), ctx.command, ctx.parent
    place = _place_in_spec(key)
    if place and (_sets_values(command) or isinstance(command, click.Group)):
        return f"A value of the spec is changed with --set {place}=VALUE, after the command and the spec."
    options = {option.lstrip("-"): option for parameter in command.params for option in parameter.opts if option[:1] == "-"}
    for nearest in get_close_matches(key.replace("_", "-"), options, n=1):
        return f"Did you mean {options[nearest]}?"
    for parameter in command.params:
        if isinstance(parameter.type, click.Choice) and key in parameter.type.choices:
            return f"Did you mean {parameter.opts[0]} {key}?"
    if above is not None and any(name in parameter.opts for parameter in above.command.params):
        return f'It stands before the command: "{above.command_path} {name} {ctx.info_name} ...".'
    if isinstance(command, click.Group):
        return f'An option of a command stands after its name: "{ctx.command_path} COMMAND {printable(name)} ...".'
    return f'"{ctx.command_path} --help" lists the options.'


def _place_in_spec(key: str) -> str | None:
    from layerkit.optimizers.sgd import SGD
    from layerkit.spec.run import RunSpec
    from layerkit.spec.training import TrainingSpec

    key = _SHORT.get(key, key)
    places = ((RunSpec, ""), (TrainingSpec, "training."), (SGD, "training.optimizer."))
    return next((prefix + key for block, prefix in places if key in block.model_fields), None)


def _sets_values(command: click.Command) -> bool:
    return any("--set" in parameter.opts for parameter in command.params)


def _help_of(option: str, program: click.Group, arguments: Sequence[str]) -> str | None:
    """Return the help on an option that wants a value; click does not say of which command it was, but the arguments do."""
    ctx = click.Context(program)
    names = program.list_commands(ctx)
    commands = [program.get_command(ctx, name) for name in sorted(names, key=lambda name: name not in arguments)]
    options = [item for command in commands if command for item in command.params if isinstance(item, click.Option)]
    return next((f"{option} {item.metavar or 'VALUE'}: {item.help}" for item in options if option in item.opts), None)
