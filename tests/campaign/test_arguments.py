"""Whatever a flag is given, a command ends with one sentence, and leaves and changes nothing."""

import os
import shutil

import pytest
import typer
from campaign.judging import judged
from campaign.seeds import TINY, make_seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tweenfield.command.app import app

COMMANDS = typer.main.get_command(app).commands
EXAMPLES = int(os.environ.get("CAMPAIGN", "0")) // 10 or 8
# The page would be served until Ctrl-C, and a benchmark takes its time.
TRIED = [name for name in COMMANDS if name not in ("view", "bench")]
NUMBERS = [
    "0",
    "-1",
    "1",
    "2",
    "0.5",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e-308",
    "9" * 400,
    str(2**31),
    str(2**63),
]
TEXTS = [
    "",
    " ",
    "-",
    "--",
    "x",
    "1:2:3",
    "0x0",
    "2x",
    "1/0",
    "0:1x 1:0x",
    "é",
    "\udcff",
    "a" * 5000,
    "a\nb",
    "%s",
]
TEXTS += [
    "1000000000x",
    "99999999x99999999",
    "1x1",
    "3x3",
    ":",
    "-1:",
    "::0",
    "0:2",
    "::3",
    "5x70000",
    "\x00",
]
TEXTS += [
    "0:0.001x",
    "99999:1x",
    "1000000",
    "0.000001",
    "/dev/null",
    "clip.mkv",
    "m.tween",
    ".",
    "out",
    "raw",
]
NAMES = ["transport", "patches", "draft", "paper", "farneback", "fitted", "keep", "off", "stop", "source"]
NAMES += ["original", "none", "hevc", "ffv1", "av1", "yuv444p", "gray", "cuda", "rife", "blend", "cubic"]
# What would be written elsewhere than the judge looks, or would take as long as it is told to.
LEFT_ALONE = {"output", "json", "help"}


def line_of(name):
    given = {
        "run": ["clip.mkv", "-o", "out.mkv", *TINY],
        "fit": ["clip.mkv", "-o", "out.tween", *TINY],
        "render": ["m.tween", "-o", "out.mkv"],
        "eval": ["clip.mkv", "-o", "out", "--no-baselines", *TINY],
        "flow": ["clip.mkv", "-o", "out"],
        "info": ["clip.mkv"],
    }
    return [name, *given[name], "-q"]


@st.composite
def lines(draw, name):
    """A healthy command line with some flags given, or given again, each some value."""
    options = [p for p in COMMANDS[name].params if p.param_type_name == "option" and p.name not in LEFT_ALONE]
    line = line_of(name)
    for option in draw(st.lists(st.sampled_from(options), min_size=1, max_size=3)):
        line.append(max(option.opts, key=len))
        if not option.is_flag:
            line.append(draw(st.sampled_from([*NUMBERS, *TEXTS, *NAMES]) | st.text(max_size=12)))
    return line


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clip and a model of it."""
    root = tmp_path_factory.mktemp("seeds")
    seeds = make_seeds(root)
    folder = tmp_path_factory.mktemp("healthy")
    shutil.copy(seeds["npy"].folder / "clip.mkv", folder)
    shutil.copy(seeds["tween-siren"].folder / "m.tween", folder)
    return folder


@pytest.mark.timeout(max(300, 30 * EXAMPLES))
@pytest.mark.parametrize("name", TRIED)
def test_any_values_of_flags(folder, tmp_path, name):
    made = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(lines(name))
    def ends_well(line):
        nonlocal made
        made += 1
        work = shutil.copytree(folder, tmp_path / str(made))
        assert judged(line, work) == [], line
        shutil.rmtree(work)

    ends_well()
