"""--lpips PATH, from the command line to the report."""

import json
import re
from dataclasses import replace

import pytest
from command.running import fails, tweenfield
from evaluation.lpips_weights import random_weights, write, write_published
from test_bench import SETTING, cell

from tweenfield import Lpips
from tweenfield.bench.cells import key
from tweenfield.bench.report import _table

TRIAL = ["--scale", "tiny", "--device", "cpu"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_published(tmp_path_factory.mktemp("weights"))


def test_bench_measures_it_where_it_is_asked_to_and_reports_the_least_as_the_best(weights, tmp_path):
    out = tmp_path / "results"
    line = ("bench", "table1", *TRIAL, "--baseline", "blend", "--baseline", "warp", "-o", out)
    assert tweenfield(*line, "-q").returncode == 0
    before = json.loads((out / "table1.json").read_text())
    assert not any("lpips" in row for row in (*before["rows"], *before["table"]))
    assert "LPIPS" not in (out / "report.html").read_text()

    result = tweenfield(*line, "--lpips", weights)
    assert result.returncode == 0, result.stderr
    assert "LPIPS" in result.stdout
    content = json.loads((out / "table1.json").read_text())
    for row, shown in zip(content["rows"], content["table"], strict=True):
        assert len(row["lpips"]) == row["held_out"] and min(row["lpips"]) > 0
        assert shown["lpips"] == pytest.approx(sum(row["lpips"]) / len(row["lpips"]))
    report = (out / "report.html").read_text()
    assert "held-out LPIPS" in report and "pattern LPIPS" in report
    best = f"{min(row['lpips'] for row in content['table']):.4f}"
    # In the table of means, and in that of the clip.
    assert len(re.findall(rf'<td class="best">{best}</td>', report)) >= 2


def test_results_with_it_and_without_stand_in_one_table():
    row = {"psnr": [30.0], "ssim": [0.9], "seconds": {"render": 1.0}, "method": "a"}
    table = _table([row, {**row, "method": "b", "lpips": [0.25]}, {**row, "method": "c", "lpips": [0.5]}])
    column = table["headings"].index("held-out LPIPS")
    assert [cells[column] for _, cells in table["lines"]] == [
        ("", False),
        ("0.2500", True),
        ("0.5000", False),
    ]


def test_other_weights_are_another_cell(weights, tmp_path):
    alexnet, linear = random_weights()
    linear["lin2.model.1.weight"][0, 5] += 0.1
    write(tmp_path / "other.pth", alexnet | linear)
    keys = {
        key(cell(), replace(SETTING, lpips=lpips))
        for lpips in (None, Lpips(weights), Lpips(tmp_path / "other.pth"), Lpips(weights))
    }
    assert len(keys) == 3


@pytest.mark.parametrize("command", [("bench", "fig3"), ("eval", "missing.mp4")])
def test_missing_weights_are_named_before_any_work(tmp_path, command):
    result = tweenfield(*command, "--lpips", tmp_path, "-o", tmp_path / "r")
    fails(result, 1, str(tmp_path), "no alexnet-owt-*.pth", "alex.pth of lpips 0.1")
    assert not (tmp_path / "r").exists()
