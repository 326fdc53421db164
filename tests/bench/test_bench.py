"""Whole experiments at the smallest scale, on a drawn pattern and on a real clip."""

import html
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from conftest import DEMO

from tweenfield import Dis, UsageError, estimate_flow, hide, psnr, read_video
from tweenfield.baselines import BASELINES
from tweenfield.bench import cells as cells_module
from tweenfield.bench.cells import Cell, Method, Setting, Store, key, run
from tweenfield.bench.datasets import drawn, find_cases, reduced
from tweenfield.bench.experiment import by_clip, counted
from tweenfield.bench.experiments import EXPERIMENTS
from tweenfield.bench.pattern import pattern
from tweenfield.bench.runner import bench
from tweenfield.bench.sweep import bits_per_pixel
from tweenfield.command.bench import ScaleName

FEW = {name: BASELINES[name] for name in ("blend", "warp")}
SETTING = Setting(flow=Dis(), protocol="tweenfield", device="cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    shutil.copy(DEMO, folder / "bunny.mp4")
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Every experiment in one folder."""
    folder = tmp_path_factory.mktemp("bench")
    return folder, bench(list(EXPERIMENTS), folder, scale="tiny", baselines=FEW, device="cpu")


def cell(name="blend", case=None):
    (case,) = reduced([case or drawn()[0]], frames=5, size=(32, 48))
    return Cell(case=case, method=Method(name=name, how=BASELINES[name]), pictured=True)


def test_the_command_line_knows_every_experiment():
    assert [scale.value for scale in ScaleName] == ["tiny", "small", "paper"]


def test_the_pattern_moves_as_it_says():
    video = pattern(9, (80, 200))
    # The background moves by one pixel a frame at this width, the disc by 2.5 the other way.
    np.testing.assert_array_equal(video.frames[4][:, 4:20], video.frames[0][:, 0:16])
    np.testing.assert_allclose(
        video.frames[8][38:42, 100:110].astype(int), video.frames[0][34:38, 120:130].astype(int), atol=2
    )


def test_every_experiment_leaves_its_results(results):
    folder, found = results
    for name, content in found.items():
        assert json.loads((folder / f"{name}.json").read_text()) == content
        assert content["verdict"] is None  # nothing is judged at this scale
        for row in content["rows"]:
            assert np.isfinite([*row["psnr"], *row["ssim"]]).all()
            assert len(row["psnr"]) == len(row["motion"]) == row["held_out"] == 2
    assert {row["method"] for row in found["clips"]["rows"]} >= {"blend", "warp", "transport", "siren"}


def test_a_cells_figures_are_those_of_its_frames(data, tmp_path):
    (case,) = find_cases(data)
    (row,) = run([cell("warp", case)], SETTING, Store(tmp_path))
    split = hide(read_video(DEMO, frames="0:5", size=(32, 48)))
    flow = estimate_flow(split.observed, Dis())
    frames = list(BASELINES["warp"](split.observed, flow, split.positions))
    expected = [
        psnr((255 * f).round().astype(np.uint8), truth)
        for f, truth in zip(frames, split.held_out.frames, strict=True)
    ]
    assert row["psnr"] == pytest.approx(expected)
    assert (row["clip"], row["dataset"], row["indices"]) == ("bunny", "clips", [1, 3])


def test_finished_cells_are_never_run_again(tmp_path, monkeypatch):
    store = Store(tmp_path)
    first = list(run([cell("blend"), cell("cubic")], SETTING, store))
    monkeypatch.setattr(cells_module, "_result", lambda *_: pytest.fail("run again"))
    monkeypatch.setattr(type(drawn()[0]), "split", lambda self: pytest.fail("read again"))
    assert list(run([cell("blend"), cell("cubic")], SETTING, store)) == first


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    store, said = Store(tmp_path), []

    def stop(observed, flow, times):
        raise KeyboardInterrupt

    stopped = Cell(case=cell().case, method=Method(name="stops", how=stop))
    with pytest.raises(KeyboardInterrupt):
        list(run([cell("blend"), stopped], SETTING, store))
    assert len(list((tmp_path / "cells").iterdir())) == 1
    rows = list(run([cell("blend"), cell("cubic")], SETTING, store, lambda *a: said.append(a)))
    assert [row["method"] for row in rows] == ["blend", "cubic"]
    assert said[-1] == (2, 2, "") and said[1][2] == "cubic on disc"


def test_another_setting_is_another_cell():
    recipe = EXPERIMENTS["fig4a"].plan("tiny", drawn(), {})
    keys = [key(c, SETTING) for c in [cell("blend"), cell("warp"), *recipe]]
    keys.append(key(cell("blend"), Setting(flow=Dis(), protocol="film", device="cpu")))
    (other,) = reduced(drawn(), frames=7, size=(32, 48))
    keys.append(key(Cell(case=other, method=cell("blend").method), SETTING))
    assert len(set(keys)) == len(keys)
    labelled = Cell(case=cell().case, method=cell().method, labels={"x": 3})
    assert key(labelled, SETTING) == key(cell(), SETTING)


def test_experiments_share_cells_and_name_them_their_own_way(results):
    found = results[1]
    (base,) = (row for row in found["fig4a"]["rows"] if row["x"] == 0.12)
    (same,) = (row for row in found["fig4d"]["rows"] if row["x"] == 30)
    assert base["key"] == same["key"]
    assert (base["method"], same["method"]) == ("lambda 0.12", "omega 30")


def test_a_prediction_that_cant_be_scored_is_named(tmp_path):
    none = Cell(case=cell().case, method=Method(name="nothing", how=lambda *_: []))
    with pytest.raises(UsageError, match="nothing can't be scored on disc"):
        list(run([none], SETTING, Store(tmp_path)))


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.urls, self.bold, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.urls += [values[name] for name in ("src", "href") if name in values]
        self.inside = "best" in values.get("class", "").split()

    def handle_data(self, data):
        if self.inside:
            self.bold.append(data)
            self.inside = False


def test_the_report_needs_nothing_but_itself(results):
    text = (results[0] / "report.html").read_text()
    page = Page(text)
    assert page.urls and all(url.startswith(("data:image/", "#")) for url in page.urls)
    assert not re.search(r"url\(|@import|https?://", re.sub(r"data:[^\"]*", "", text))


def test_the_report_shows_every_experiment_claim_and_setting(results):
    folder, found = results
    text = (folder / "report.html").read_text()
    for name, content in found.items():
        section = text[text.index(f'<section id="{name}">') :].partition("</section>")[0]
        assert EXPERIMENTS[name].title in section and "protocol <b>tweenfield</b>" in section
        assert (content["claim"] or EXPERIMENTS[name].question) in section
        for row in content["rows"]:
            assert f"<td>{row['method']}</td>" in section
        assert "image/svg+xml" in section and '"torch"' in section and '"commit"' in section


def test_the_best_of_a_column_is_bold(results):
    folder, found = results
    page = Page((folder / "report.html").read_text())
    for row in found["clips"]["table"]:
        shown = f"{row['psnr']:.2f}"
        best = max(r["psnr"] for r in found["clips"]["table"])
        assert row["psnr"] < best or shown in page.bold


def test_pictures_of_the_report_are_those_of_the_cell(results):
    folder, found = results
    text = (folder / "report.html").read_text()
    assert text.count('class="compare"') == 2  # one clip in each of table1 and clips
    (row,) = (r for r in found["clips"]["rows"] if r["method"] == "blend")
    assert row["shown"] == int(np.argmax(row["motion"]))
    assert set(re.findall(r'<option value="([^"]+)"', text)) == set(re.findall(r'<img id="([^"]+)"', text))
    plots = [json.loads(html.unescape(plot)) for plot in re.findall(r'data-plot="([^"]+)"', text)]
    psnr = [round(value, 2) for value in row["psnr"]]
    assert psnr in [[p["psnr"] for p in line["points"]] for plot in plots for line in plot["series"]]
    names = {path.name for path in (folder / "pictures").iterdir()}
    assert {f"{row['key']}-{kind}.webp" for kind in ("drawn", "error", "truth")} <= names


def test_clips_of_two_data_sets_are_told_apart():
    rows = [row("a", 1), {**row("a", 2), "dataset": "other"}, row("b", 3)]
    assert list(by_clip(rows)) == ["clips: a", "other: a", "clips: b"]
    assert list(by_clip([rows[0], rows[2]])) == ["a", "b"]


def test_a_sweep_leaves_no_pictures(tmp_path):
    list(run(EXPERIMENTS["fig4d"].plan("tiny", drawn(), {})[:1], SETTING, Store(tmp_path)))
    assert not list((tmp_path / "pictures").iterdir())


def test_a_verdict_names_the_first_clips_only():
    verdict = counted({f"clip {k}": (k != 3, f"{k} dB") for k in range(99)})
    assert verdict.outcome == "partly"
    assert verdict.because.startswith("On 98 of 99 clips. clip 0: 0 dB; clip 1: 1 dB")
    assert "clip 7: 7 dB; and so on." in verdict.because and "clip 8" not in verdict.because


def test_bits_per_pixel_count_the_parameters_over_the_observed_pixels(results):
    found = next(row for row in results[1]["fig7"]["rows"] if row["x"] == 8)
    # Two layers of 8 and one to RGB: (3 + 1) 8 + (8 + 1) 8 + (8 + 1) 3 numbers for 3 frames of 32x48.
    assert bits_per_pixel(found) == pytest.approx(32 * (32 + 72 + 27) / (3 * 32 * 48))


def row(clip, psnr=30.0, **labels):
    return {
        "dataset": "clips",
        "clip": clip,
        "psnr": [psnr],
        "psnr_observed": psnr,
        "motion": [1.0],
        "method": "siren (paper)",
        "parameters": 1,
        **labels,
    }


@pytest.mark.parametrize(
    ("name", "rows", "outcome"),
    [
        ("fig4a", [row("a", p, x=x) for x, p in [(0, 30), (0.12, 32), (0.8, 31)]], "reproduced"),
        ("fig4a", [row("a", p, x=x) for x, p in [(0, 30), (0.12, 32), (0.8, 33)]], "not reproduced"),
        (
            "fig4a",
            [row(c, p, x=x) for c in "ab" for x, p in [(0, 30), (0.1, 32 if c == "a" else 9), (0.8, 31)]],
            "partly",
        ),
        (
            "fig3",
            [row("a", 30, series="plain, omega", x=5), row("a", 31, series="constrained, omega", x=30)],
            "reproduced",
        ),
        (
            "fig3",
            [row("a", 32, series="plain, omega", x=5), row("a", 31, series="constrained, omega", x=30)],
            "not reproduced",
        ),
        ("fig4e", [row("a", p, series="d", x=x) for x, p in [(8, 30), (16, 32), (32, 31)]], "reproduced"),
        ("fig4e", [row("a", p, series="d", x=x) for x, p in [(8, 30), (16, 31), (32, 32)]], "not reproduced"),
        (
            "fig7",
            [row("a", 25, series="constrained, width", x=8), row("a", 24, series="plain, width", x=8)],
            "reproduced",
        ),
        (
            "fig7",
            [
                row("a", p, series=f"{s}, width", x=x)
                for s, x, p in [
                    ("constrained", 8, 23),
                    ("plain", 8, 24),
                    ("constrained", 9, 30),
                    ("plain", 9, 29),
                ]
            ],
            "not reproduced",
        ),
        (
            "table1",
            [row("a", 31), {**row("a", 30, method="warp"), "parameters": None}],
            "reproduced",
        ),
    ],
)
def test_verdicts_follow_the_figures(name, rows, outcome):
    for r in rows:
        if r["parameters"] is None:
            del r["parameters"]
    assert EXPERIMENTS[name].check(rows).outcome == outcome
