"""What the command says of itself, and how it is called."""

import subprocess
import sys
from importlib import import_module

import pytest
import typer
from command.running import tweenfield

from tweenfield.command.app import app

COMMANDS = typer.main.get_command(app)


@pytest.mark.parametrize("name", ["", *COMMANDS.commands])
def test_flags_without_a_value_show_no_type_and_those_with_one_do(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = tweenfield(*name.split(), "--help").stdout
    command = COMMANDS.commands[name] if name else COMMANDS
    lines = [line.strip("│ ").removeprefix("*").split() for line in text.splitlines() if "│ " in line]
    shown = {words[0]: next(w for w in words[1:] if not w.startswith("-")) for words in lines if words}
    assert shown["--help"] == "Show"
    for option in (p for p in command.params if p.param_type_name == "option"):
        first = max(option.opts, key=len)
        assert (shown[first] == option.help.split()[0]) == option.is_flag, first


def test_the_package_is_a_command_too():
    line = [sys.executable, "-m", "tweenfield", "--version"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout == tweenfield("--version").stdout and done.stdout.startswith("tweenfield ")


def test_the_package_called_as_a_command_runs_it(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tweenfield", "--version"])
    with pytest.raises(SystemExit):
        import_module("tweenfield.__main__")
    assert capsys.readouterr().out == tweenfield("--version").stdout
