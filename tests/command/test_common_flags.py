"""Flags that every command has, before its name or after it."""

import pytest
import typer
from command.running import fails, tweenfield
from conftest import to_8bit, waves

from tweenfield import write_video
from tweenfield.command.app import app
from tweenfield.errors import TweenfieldError

COMMANDS = typer.main.get_command(app).commands
SHORT = ["--field", "siren", "--preset", "draft", "--width", "16", "--depth", "2", "--steps", "3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clip, and a model that was fitted to it."""
    folder = tmp_path_factory.mktemp("folder")
    write_video(folder / "clip.mkv", [to_8bit(waves(24, 36, k, -0.5 * k)) for k in range(5)], rate=30)
    tweenfield("fit", folder / "clip.mkv", "-o", folder / "m.tween", *SHORT)
    return folder


def line(name, folder, out):
    return {
        "run": ["run", folder / "clip.mkv", "-o", out, *SHORT],
        "fit": ["fit", folder / "clip.mkv", "-o", out.with_suffix(".tween"), *SHORT],
        "render": ["render", folder / "m.tween", "-o", out],
        "eval": ["eval", folder / "clip.mkv", "--no-baselines", *SHORT],
        "bench": ["bench", "fig4b", "-o", out, "--scale", "tiny"],
        "flow": ["flow", folder / "clip.mkv", "-o", out],
        "info": ["info", folder / "m.tween"],
    }[name]


@pytest.mark.parametrize("name", [n for n in COMMANDS if n != "view"])
def test_what_is_said_is_the_same_with_a_flag_before_the_name_and_after_it(folder, tmp_path, name):
    for flag in ("-q", "-v"):
        before, after = (tmp_path / f"{side}{flag}" for side in ("before", "after"))
        one = tweenfield(flag, *line(name, folder, before))
        other = tweenfield(*line(name, folder, after), flag)
        assert one.returncode == other.returncode == 0, one.stderr + other.stderr
        said = [result.stderr.replace(str(out), "") for result, out in ((one, before), (other, after))]
        assert said[0] == said[1]
        assert bool(said[0]) == (flag == "-v")


@pytest.mark.parametrize(("flags", "given"), [(["-q", "--verbose"], (True, True)), ([], (False, False))])
def test_view_has_them_too(folder, monkeypatch, flags, given):
    seen = []

    def opened(source, compared, settings):
        seen.append((settings.quiet, settings.verbose))
        raise TweenfieldError("seen")

    monkeypatch.setattr("tweenfield.command.view._of_clip", opened)
    fails(tweenfield(*flags, "view", folder / "clip.mkv"), 1, "seen")
    assert seen == [given]
