"""The page of an evaluation has its scores, its frames, and all it needs to be opened offline."""

import base64
import html
import json
import re

import cv2
import numpy as np
import pytest

from tweenfield import Dis, draft, evaluate, render, replace
from tweenfield.evaluation.error_maps import error_levels, error_picture
from tweenfield.evaluation.page import plotted
from tweenfield.evaluation.report import EXPECTED, write_report

QUICK = replace(draft(), steps=4, width=4, hidden=2, crops=1, side=12)


@pytest.fixture(scope="module")
def evaluation(moving):
    return evaluate(moving[0], Dis(), QUICK, device="cpu")


@pytest.fixture(scope="module")
def page(evaluation, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "report.html"
    write_report(evaluation, path)
    return path.read_text()


def pictures(page):
    """By the page's ids of them: name and pixels."""
    found = re.findall(r'<img id="([^"]+)" alt="([^"]+)" src="data:image/webp;base64,([^"]+)"', page)
    decoded = (
        (name, alt, cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), 1))
        for name, alt, data in found
    )
    return {name: (alt, picture[..., ::-1]) for name, alt, picture in decoded}


def test_plot_has_every_held_out_frame_of_every_method(page, evaluation):
    (plot,) = re.findall(r'data-plot="([^"]+)"', page)
    lines = {line["name"]: line for line in json.loads(html.unescape(plot))["series"]}
    psnr = {name: score.psnr for name, score in evaluation.baselines.items()}
    psnr |= {"transport": evaluation.score.psnr, EXPECTED: evaluation.expected}
    assert lines.keys() == psnr.keys()
    for name, line in lines.items():
        assert [p["x"] for p in line["points"]] == list(evaluation.split.indices)
        assert [p["psnr"] for p in line["points"]] == pytest.approx(psnr[name], abs=0.006)
    assert len({line["style"] for line in lines.values()}) == len(lines)


def test_pictures_are_those_of_the_worst_frame(page, evaluation):
    split, k = evaluation.split, int(np.argmin(evaluation.score.psnr))
    drawn, truth = next(render(evaluation.result.field, [split.positions[k]])), split.held_out.frames[k]
    shown = dict(
        picture for name, picture in pictures(page).items() if name.startswith(f"frame-{split.indices[k]}-")
    )
    wanted = {
        "as drawn": drawn,
        "held-out frame": truth,
        "true error": error_picture(error_levels(drawn, truth)),
        "error to expect": error_picture(
            evaluation.result.field.expected_error(float(split.positions[k])).numpy()
        ),
        "observed frame before": split.observed.frames[int(split.positions[k])],
        "observed frame after": split.observed.frames[int(split.positions[k]) + 1],
    }
    assert shown.keys() == wanted.keys()
    for name, picture in wanted.items():
        np.testing.assert_array_equal(shown[name], picture)


def test_what_can_be_chosen_is_there_and_nothing_is_fetched(page):
    known = pictures(page).keys()
    assert set(re.findall(r'<option value="([^"]+)"', page)) == known
    assert all(url.startswith("data:") for url in re.findall(r'(?:src|href)="([^"]+)"', page))
    (modules,) = re.findall(r'<script type="importmap">(.*?)</script>', page)
    imported = set(re.findall(r'from "([^"]+)"', page))
    assert imported and imported <= json.loads(modules)["imports"].keys()
    for code in json.loads(modules)["imports"].values():
        # A module inside an address can't name another.
        assert b"import " not in base64.b64decode(code.partition("base64,")[2])


def test_a_name_cannot_leave_its_place(evaluation, tmp_path):
    from dataclasses import replace as changed

    name = "<script>alert('1')</script>\".mp4"
    split = changed(evaluation.split, observed=changed(evaluation.split.observed, name=name))
    write_report(changed(evaluation, split=split), tmp_path / "page.html")
    assert "<script>alert" not in (tmp_path / "page.html").read_text()


def test_lines_that_have_a_style_leave_their_colour_to_no_other():
    points = [(0, 30.0), (1, 31.0)]
    named = plotted(
        {"a": points, "b": points, "c": points}, axis="frame", styles={"a": "expected", "b": "true"}
    )
    assert [line["style"] for line in named["series"]] == ["expected", "true", "s2"]
    many = plotted({str(k): points for k in range(11)}, axis="frame")
    assert len({line["style"] for line in many["series"]}) == 11
    assert plotted({}, axis="frame")["to"] == 0
