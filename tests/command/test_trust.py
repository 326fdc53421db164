"""What run and eval tell of the error to expect: the last line, JSON, the page, maps."""

import html
import json
import re
from fractions import Fraction

import cv2
import numpy as np
import pytest
from command.running import fails, tweenfield
from conftest import to_8bit, waves

from tweenfield import write_video

QUICK = ("--preset", "draft", "--steps", "5", "--device", "cpu", "-q")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trust") / "clip"
    write_video(folder, [to_8bit(waves(32, 48, 1.5 * k, 0)) for k in range(5)], rate=Fraction(25))
    return folder


def test_run_tells_what_to_expect(clip, tmp_path):
    page, maps = tmp_path / "page", tmp_path / "maps"
    result = tweenfield(
        "run", clip, "-o", tmp_path / "out", *QUICK, "--report", page, "--error-maps", maps, "--json", "-"
    )
    assert result.returncode == 0, result.stderr
    expected = json.loads(result.stdout)["expected"]
    frames = expected["frames"]
    assert [f["index"] for f in frames] == list(range(10))
    assert [f["psnr"] == 100 for f in frames] == [t % 1 == 0 for t in (f["t"] for f in frames)]
    inexact = [f["psnr"] for f in frames if f["psnr"] < 100]
    assert expected["psnr"] == pytest.approx(np.mean(inexact))
    assert expected["summary"].startswith(f"{expected['psnr']:.1f} dB")

    assert sorted(p.name for p in maps.iterdir()) == [f"{k:06d}.png" for k in range(10)]
    for frame in frames:
        levels = cv2.imread(str(maps / f"{frame['index']:06d}.png"), cv2.IMREAD_UNCHANGED)
        assert levels.dtype == np.uint16 and levels.shape == (32, 48)
        squared = np.square(levels / 256).mean()
        if frame["psnr"] < 100:
            assert 10 * np.log10(255**2 / squared) == pytest.approx(frame["psnr"], abs=0.05)
        else:
            assert squared == 0

    text = (page / "report.html").read_text()
    assert not re.search(r"(?:src|href)=\"(?!data:)", text) and expected["summary"] in text
    # Each of the four inexact frames as drawn and as a map; the plot has their PSNR.
    assert text.count("<img") == 2 * len(inexact)
    (plot,) = re.findall(r'data-plot="([^"]+)"', text)
    (line,) = json.loads(html.unescape(plot))["series"]
    assert [p["psnr"] for p in line["points"]] == pytest.approx(inexact, abs=0.006)


def test_the_last_line_of_run_tells_it(clip, tmp_path):
    result = tweenfield("run", clip, "-o", tmp_path / "out", *QUICK[:-1])
    assert re.fullmatch(r"expected +\d+\.\d dB.*", result.stdout.splitlines()[-1].strip())


def test_another_field_says_that_it_has_none(clip, tmp_path):
    siren = ("--field", "siren", *QUICK[:-1], "--width", "8", "--depth", "1")
    result = tweenfield("run", clip, "-o", tmp_path / "out", *siren)
    assert "only transport has an error to expect" in result.stdout.splitlines()[-1]
    for flags in (("--report", tmp_path / "p"), ("--error-maps", tmp_path / "m"), ("--doubtful", "hold")):
        fails(tweenfield("run", clip, "-o", tmp_path / "none", *siren, *flags), 2, flags[0], "transport")
    assert not (tmp_path / "none").exists() and not (tmp_path / "p").exists()


def test_flags_that_contradict_each_other(clip, tmp_path):
    run = ("run", clip, "-o", tmp_path / "out", *QUICK)
    fails(tweenfield(*run, "--doubtful", "hold", "--shutter", "180"), 2, "--doubtful", "--shutter")
    same = tmp_path / "same"
    fails(tweenfield(*run, "--report", same, "--error-maps", same), 2, "--report", "--error-maps")


def test_eval_lists_every_held_out_frame(clip):
    result = tweenfield("eval", clip, *QUICK, "--no-baselines", "--json", "-")
    values = json.loads(result.stdout)
    assert [(f["index"], f["t"]) for f in values["frames"]] == [(1, 0.5), (3, 1.5)]
    for key in ("psnr", "ssim"):
        assert np.mean([f[key] for f in values["frames"]]) == pytest.approx(values[f"{key}_held_out"])
    assert all(0 < f["psnr_expected"] < 100 for f in values["frames"])
