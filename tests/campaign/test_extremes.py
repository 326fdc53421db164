"""Each flag of what serves a page or takes its time, at its extremes, in a process that Ctrl-C ends."""

import os
import random
import shutil
import signal
from pathlib import Path

import pytest
from campaign.judging import fingerprint
from campaign.seeds import TINY, make_seeds
from campaign.test_arguments import COMMANDS
from kills.killing import command

LINES = {
    "view": ["view", "clip.mkv", "--no-browser", *TINY],
    "bench": ["bench", "clips", "-o", "out", "--scale", "tiny", "--baseline", "blend", "--device", "cpu"],
}
# What ends without a mistake is stopped after so many seconds.
SECONDS = 6
# What is written elsewhere, ends at once, or opens a browser.
LEFT_ALONE = {"output", "json", "help", "browser"}
EXTREMES = ["", "0", "-1", "nan", "1e308", "1e-308", "9" * 400, "a\nb", "é" * 5000, "\udcff", "/dev/null"]
EXTREMES += ["99999999x99999999", "-1:"]


def lines(name):
    """A healthy line with one more flag, for each flag and value; in make test a few of them."""
    options = [p for p in COMMANDS[name].params if p.param_type_name == "option" and p.name not in LEFT_ALONE]
    every = [
        [max(option.opts, key=len), *value]
        for option in options
        for value in ([[]] if option.is_flag else [[value] for value in EXTREMES])
    ]
    return every if "CAMPAIGN" in os.environ else random.Random(name).sample(every, 3)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """A clip."""
    folder = tmp_path_factory.mktemp("healthy")
    seeds = make_seeds(tmp_path_factory.mktemp("seeds"))
    shutil.copy(seeds["npy"].folder / "clip.mkv", folder)
    return folder


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", LINES)
def test_each_flag_at_its_extremes(healthy, tmp_path, name):
    wrong = {}
    for number, given in enumerate(lines(name)):
        folder = shutil.copytree(healthy, tmp_path / str(number))
        ended = command([*LINES[name], *given], folder, (signal.SIGINT, SECONDS))
        # The viewer's address is what it has to say.
        said = [line for line in ended.said.splitlines() if not line.startswith("http://127.0.0.1")]
        usage = bool(said) and said[0].startswith("Usage: ")
        sentence = (
            bool(said) and said[-1].startswith("tweenfield: ") and (said[1:] == [] or "--verbose" in given)
        )
        left = {Path(file).parts[0] for file in fingerprint(folder)}
        fine = ended.status in (0, 1, 2) and (usage or sentence or not ended.status)
        if not fine or "Traceback" in ended.said or len(ended.said) > 12000 or left - {"clip.mkv", "out"}:
            wrong[" ".join(given)[:60]] = ended.status, ended.said[:1500], left
        shutil.rmtree(folder)
    assert wrong == {}
