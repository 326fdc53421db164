"""What ``info`` tells, for people to read."""

from fractions import Fraction

import numpy as np
from command.running import tweenfield
from video.clips import texture
from video.test_carrying import full

from tweenfield import Hdr, MasteringDisplay, write_video


def test_info_has_a_line_for_each_fact_however_long(tmp_path):
    display = MasteringDisplay(
        red=(Fraction(2, 3), Fraction(1, 3)),
        green=(Fraction(1, 3), Fraction(2, 3)),
        blue=(Fraction(1, 7), Fraction(1, 11)),
        white=(Fraction(1, 3), Fraction(1, 3)),
        darkest=Fraction(50, 8191),
        brightest=Fraction(10**7, 9999),
    )
    path, hdr = tmp_path / "a.webm", Hdr(display=display, max_cll=1000, max_fall=400)
    deep = [np.full((64, 64, 3), 9000 * k, np.uint16) for k in range(3)]
    write_video(path, deep, rate=Fraction(30000, 1001), hdr=hdr)
    told = dict(line.split(None, 1) for line in tweenfield("info", path).stdout.splitlines())
    assert told["hdr"].endswith("max-cll 1000, max-fall 400 cd/m2")
    # By the codec's name, not that of who decodes it.
    assert (told["rate"], told["codec"]) == ("29.97 fps (30000/1001)", "av1")
    times = [Fraction(t, 90) for t in (0, 3, 6, 10, 12)]
    write_video(tmp_path / "b.mp4", texture(5), rate=30, times=times)
    assert "30 fps, variable; 30 in the mean" in tweenfield("info", tmp_path / "b.mp4").stdout


def test_info_tells_what_goes_along(tmp_path):
    told = tweenfield("info", full(tmp_path / "a.mkv")).stdout.splitlines()
    told = dict(line.split(None, 1) for line in told)
    assert (told["audio"], told["subtitles"]) == ("none", "subrip, subrip")
    assert (told["chapters"], told["attachments"]) == ("3", "1")
