"""What a notebook shows of a video, a fit and an evaluation."""

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from viewer.looking import clip, still, tiny

from tweenfield import evaluate, fit, render
from tweenfield.flow import Farneback


def pictures(html):
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), 1)[..., ::-1] for data in found]


def cells(html):
    """Tags in a tree, and the text of the table's cells."""

    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.texts = [], []

        def handle_starttag(self, tag, attributes):
            assert not dict(attributes).get("src", "data:").startswith("http")
            if tag != "img":
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

        def handle_data(self, data):
            if self.open[-1] in ("td", "th"):
                self.texts.append(data)

    reader = Reader()
    reader.feed(html)
    assert not reader.open
    return reader.texts


def test_a_video_shows_five_frames_and_its_figures():
    video = clip(frames=9)
    html = video._repr_html_()
    for seen, k in zip(pictures(html), (0, 2, 4, 6, 8), strict=True):
        np.testing.assert_array_equal(seen, video.frames[k])
    assert cells(html)[:6] == ["frames", "9", "size", "40x60", "rate", "25 fps"]


def test_a_fit_shows_what_it_draws():
    video = clip()
    result = fit(video, still(video), tiny(), device="cpu")
    html = result._repr_html_()
    for seen, drawn in zip(pictures(html), render(result.field, range(5)), strict=True):
        np.testing.assert_array_equal(seen, drawn)
    assert "10 of 10 in" in html and "siren" in cells(html)


def test_an_evaluation_shows_held_out_frames_and_every_score():
    evaluation = evaluate(clip(frames=13), Farneback(), tiny(), device="cpu")
    html = evaluation._repr_html_()
    assert len(pictures(html)) == 5
    texts = cells(html)
    assert [text for text in texts if text in ("siren", "blend", "cubic", "warp")] == [
        "siren",
        *evaluation.baselines,
    ]
    assert f"{evaluation.score.means['psnr_held_out']:.4g}" in texts and "PSNR" in texts


def test_large_pictures_are_made_small_and_names_are_escaped():
    video = clip(frames=2, height=200, width=300, name="<script>alert('1')</script>&.mp4")
    html = video._repr_html_()
    assert [picture.shape for picture in pictures(html)] == [(96, 144, 3)] * 2
    assert "<script" not in html and "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&amp;.mp4" in html


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_short_videos_show_each_frame_once(frames):
    assert len(pictures(clip(frames=frames)._repr_html_())) == frames
