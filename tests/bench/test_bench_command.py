"""The command, as a stranger meets it."""

import json

import pytest
from command.running import fails, tweenfield

from tweenfield.bench import runner
from tweenfield.bench.cells import Method

TRIAL = ["--scale", "tiny", "--device", "cpu"]


def test_bench_prints_figures_with_their_protocol_and_leaves_a_report(tmp_path):
    out = tmp_path / "results"
    result = tweenfield("bench", "fig4d", *TRIAL, "--protocol", "softsplat", "-o", out)
    assert result.returncode == 0, result.stderr
    assert "fig4d, scale tiny: means over clips, protocol softsplat" in result.stdout
    assert {p.name for p in out.iterdir()} == {"cells", "pictures", "fig4d.json", "report.html"}
    assert {row["protocol"] for row in json.loads((out / "fig4d.json").read_text())["rows"]} == {"softsplat"}


def test_bench_compares_with_the_baselines_it_is_told(tmp_path):
    result = tweenfield("bench", "table1", *TRIAL, "-q", "--baseline", "cubic", "-o", tmp_path / "r")
    assert result.returncode == 0 and not result.stdout
    rows = json.loads((tmp_path / "r" / "table1.json").read_text())["rows"]
    assert {row["method"] for row in rows} == {"cubic", "transport", "siren (paper)"}


def test_ctrl_c_keeps_what_is_finished(tmp_path, monkeypatch):
    settings = Method.settings

    def stop(self):
        if self.name == "omega 30":
            raise KeyboardInterrupt
        return settings.fget(self)

    monkeypatch.setattr(Method, "settings", property(stop))
    result = tweenfield("bench", "fig4d", *TRIAL, "-o", tmp_path / "r")
    fails(result, 1, "1 of 2 cells of fig4d are finished", "the same command goes on")
    assert len(list((tmp_path / "r" / "cells").iterdir())) == 1
    assert not (tmp_path / "r" / "fig4d.json").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "parts"),
    [
        (["fig3", "--data", "/no/such/folder"], 1, ["/no/such/folder", "no such folder"]),
        (["fig3", "--flow", "/some/flow"], 2, ["is no provider"]),
        (["fig3", "--data", __file__], 1, ["this is a file", "give a folder"]),
        (["fig3", "--data", "{here}"], 1, ["no video, no folder of frames, and no data set", "davis"]),
        (["table1", "--baseline", "best"], 2, ["no baseline 'best'"]),
        (["fig3", "--baseline", "warp"], 2, ["--baseline is for table1 and clips"]),
    ],
)
def test_mistakes_get_one_sentence(tmp_path, arguments, status, parts):
    arguments = [argument.format(here=tmp_path) for argument in arguments]
    fails(tweenfield("bench", *arguments, *TRIAL, "-o", tmp_path / "r"), status, *parts)
    assert not (tmp_path / "r").exists()


def test_a_file_in_the_way_of_the_results_is_left_alone(tmp_path):
    (tmp_path / "r").write_text("mine")
    fails(tweenfield("bench", "fig3", *TRIAL, "-o", tmp_path / "r"), 1, "a file is in the way of the folder")
    assert (tmp_path / "r").read_text() == "mine"


def test_a_folder_of_somebody_elses_files_is_left_alone(tmp_path):
    (tmp_path / "report.html").write_text("mine")
    fails(tweenfield("bench", "fig3", *TRIAL, "-o", tmp_path), 2, "holds files", "give a new folder")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "mine"


def test_an_empty_folder_and_one_of_its_own_are_used(tmp_path):
    for _ in range(2):
        result = tweenfield("bench", "fig4d", *TRIAL, "-q", "-o", tmp_path)
        assert result.returncode == 0, result.stderr


def test_rife_is_compared_with_only_where_it_is_installed(monkeypatch):
    monkeypatch.setattr("tweenfield.baselines.rife.find_spec", lambda name: None)
    assert not {"rife", "rife-4.0"} & runner.available_baselines().keys()
    monkeypatch.setattr("tweenfield.baselines.rife.find_spec", lambda name: object())
    assert {"rife", "rife-4.0", "warp", "minterpolate"} <= runner.available_baselines().keys()
