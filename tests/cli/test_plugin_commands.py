"""Commands that plugins add to the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

CommandLine = Callable[..., CompletedProcess[str]]
Install = Callable[[str, str], Path]

GREET = '''
import click
from layerkit import hookimpl
from layerkit.errors import InputError, WorkError

LAYERKIT_API = 2

@click.command("{name}")
@click.argument("whom")
@click.option("--times", type=int, default=1)
def greet(whom, times):
    """Greet WHOM politely."""
    if whom == "nobody":
        raise InputError("there is nobody here")
    if whom == "everybody":
        raise WorkError("there are too many")
    if whom == "itself":
        raise ValueError("no \\x1b[31mmirror\\nhere")
    click.echo(" ".join(times * [f"Hello, {{whom}}!"]))

@hookimpl
def layerkit_commands():
    return [greet]
'''


def commands(usage: str) -> dict[str, str]:
    """Return the commands in a help text, with their summaries."""
    block = usage.partition("Commands:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^  (\S+) +(.*(?:\n   .*)*)", block, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def test_a_command_of_a_plugin_is_listed_and_runs(layerkit: CommandLine, install: Install) -> None:
    install("polite-greeter", GREET.format(name="greet-politely"))
    usage = layerkit("--help")
    assert usage.returncode == 0
    assert commands(usage.stdout)["greet-politely"] == "Greet WHOM politely."
    assert layerkit("greet-politely", "--help").stdout.startswith("Usage: layerkit greet-politely [OPTIONS] WHOM\n")
    result = layerkit("greet-politely", "you", "--times", 2)
    assert (result.returncode, result.stdout, result.stderr) == (0, "Hello, you! Hello, you!\n", "")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nobody"], 2, "error: there is nobody here\n"),
        (["everybody"], 1, "error: there are too many\n"),
        ([], 2, "Missing argument 'WHOM'"),
        (["you", "--times", "many"], 2, "Invalid value for '--times'"),
    ],
)
def test_its_errors_are_like_any_other(
    layerkit: CommandLine, install: Install, arguments: list[str], code: int, message: str
) -> None:
    install("strict-greeter", GREET.format(name="greet-strictly"))
    result = layerkit("greet-strictly", *arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_fault_of_it_is_told_as_its_own(layerkit: CommandLine, install: Install) -> None:
    install("broken-greeter", GREET.format(name="greet-badly"))
    owner = 'the command "greet-badly" of broken-greeter 2.5'
    said = f"error: {owner} raised ValueError: no \ufffd[31mmirror here; --debug shows where\n"
    result = layerkit("greet-badly", "itself")
    assert (result.returncode, result.stdout, result.stderr) == (1, "", said)
    result = layerkit("--debug", "greet-badly", "itself")
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert 'raise ValueError("no' in result.stderr
    assert "\x1b" not in result.stderr
    assert result.stderr.endswith(said)


def test_a_plugin_cannot_take_a_command_of_layerkit(
    layerkit: CommandLine, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERKIT_DISABLE_PLUGINS", "1")
    install("first-usurper", GREET.format(name="train"))
    own = commands(layerkit("--help").stdout)
    assert own.keys() >= {"train", "validate", "summary", "schema", "components", "doctor", "gradcheck"}
    monkeypatch.delenv("LAYERKIT_DISABLE_PLUGINS")
    for name in own:
        install(f"usurper-of-{name}", GREET.format(name=name))
    usage = layerkit("--help").stdout
    assert own.keys() <= commands(usage).keys()
    assert "Greet WHOM" not in usage
    problems = {
        item["distribution"]: item["problem"] for item in json.loads(layerkit("doctor", "--format", "json").stdout)["plugins"]
    }
    for name in own:
        assert problems[f"usurper-of-{name}"] == f'the command "{name}" is one of layerkit itself'
    assert layerkit("train", "missing.json").stderr.endswith("cannot read the file: No such file or directory\n")


def test_two_plugins_cannot_share_a_command(layerkit: CommandLine, install: Install) -> None:
    for name in ("left-greeter", "right-greeter"):
        install(name, GREET.format(name="greet-twice"))
    assert "greet-twice" not in commands(layerkit("--help").stdout)
    result = layerkit("greet-twice", "you")
    assert result.returncode == 2
    assert "No such command 'greet-twice'" in result.stderr
    assert (
        'warning: plugin left-greeter 2.5 was set aside: the command "greet-twice" is also offered by right-greeter 2.5\n'
        'warning: plugin right-greeter 2.5 was set aside: the command "greet-twice" is also offered by left-greeter 2.5\n'
    ) in result.stderr


@pytest.mark.parametrize("name", ["messages", "main", "commands"])
def test_the_name_of_a_module_that_is_no_command_is_free(layerkit: CommandLine, install: Install, name: str) -> None:
    install(f"greeter-as-{name}", GREET.format(name=name))
    assert layerkit(name, "you").stdout == "Hello, you!\n"


@pytest.mark.parametrize("name", ["", "Greet", "greet me", "-greet", "greet.me"])
def test_a_command_needs_a_plain_name(layerkit: CommandLine, install: Install, name: str) -> None:
    distribution = "odd-greeter" + "".join(f"-{ord(letter)}" for letter in name)
    install(distribution, GREET.format(name=name))
    (found,) = [
        item
        for item in json.loads(layerkit("doctor", "--format", "json").stdout)["plugins"]
        if item["distribution"] == distribution
    ]
    assert "is no click command with a name in lower case" in found["problem"]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("failing-greeter", "raise RuntimeError('out of order')"),
        ("leaving-greeter", "raise SystemExit(7)"),
        ("failing-late-greeter", GREET.format(name="greet-late").replace("[greet]", "[greeet]")),
    ],
)
def test_a_broken_plugin_hurts_no_other_command(
    layerkit: CommandLine, install: Install, here: Path, name: str, source: str
) -> None:
    install("other-greeter", GREET.format(name="greet-others"))
    install(name, source)
    usage = layerkit("--help")
    assert (usage.returncode, usage.stderr) == (0, "")
    assert {"train", "greet-others"} <= commands(usage.stdout).keys()
    assert layerkit("greet-others", "you").stdout == "Hello, you!\n"
    (here / "spec.json").write_text('{"layerkit": 1, "input_shape": [2], "layers": [{"type": "crossentropy"}]}')
    result = layerkit("validate", "spec.json")
    assert (result.returncode, result.stderr) == (0, "")
    missing = layerkit("greet-late", "you")
    assert missing.returncode == 2
    assert f"warning: plugin {name} 2.5 was set aside: " in missing.stderr
    assert "No such command 'greet-late'" in missing.stderr


def test_an_interrupt_during_an_import_is_obeyed(layerkit: CommandLine, install: Install) -> None:
    install("interrupted-greeter", "raise KeyboardInterrupt")
    result = layerkit("--help")
    assert (result.returncode, result.stdout) == (130, "")


def test_strict_plugins_comes_before_any_command(layerkit: CommandLine, install: Install) -> None:
    install("careful-greeter", GREET.format(name="greet-carefully"))
    assert layerkit("--strict-plugins", "greet-carefully", "you").stdout == "Hello, you!\n"
    install("careless-greeter", "raise RuntimeError('out of order')")
    result = layerkit("--strict-plugins", "greet-carefully", "you")
    assert (result.returncode, result.stdout) == (2, "")
    assert "error: plugin careless-greeter 2.5 was set aside: RuntimeError: out of order" in result.stderr


def test_disabled_plugins_bring_no_commands(layerkit: CommandLine, install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERKIT_DISABLE_PLUGINS", "1")
    install("sleeping-greeter", GREET.format(name="greet-asleep"))
    assert "greet-asleep" not in layerkit("--help").stdout
    assert layerkit("greet-asleep", "you").returncode == 2
