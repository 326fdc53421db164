"""What experiments fit at the scales that no test can wait for."""

from dataclasses import replace as dataclass_replace

from tweenfield import draft, paper, paper_experiments, replace, standard
from tweenfield.bench.datasets import drawn
from tweenfield.bench.experiments import EXPERIMENTS
from tweenfield.bench.report import _means


def plan(name, scale):
    cells = EXPERIMENTS[name].plan(scale, drawn(), {})
    return {cell.method.name: cell.method.how for cell in cells}, cells[0].case


def test_clips_are_fitted_whole_by_every_field():
    recipes, case = plan("clips", "small")
    assert recipes == {"transport": standard(), "patches": standard("patches"), "siren": draft("siren")}
    assert plan("clips", "paper")[0]["siren"] == standard("siren")
    assert case == drawn()[0]


def test_table1_fits_the_papers_recipe_or_a_smaller_one():
    recipes, case = plan("table1", "paper")
    assert recipes == {"siren (paper)": paper(), "transport": standard()}
    assert case == drawn()[0]
    recipes, case = plan("table1", "small")
    assert recipes["siren (paper)"] == replace(draft("siren"), extent=1.0, time_step=0.2, steps=1500)
    assert case == dataclass_replace(drawn()[0], frames=21, size=(120, 180))


def test_figures_vary_the_papers_recipe_of_its_experiments():
    recipes, case = plan("fig4d", "paper")
    assert recipes["omega 25"] == replace(paper_experiments(), omega=25.0)
    assert case == dataclass_replace(drawn()[0], frames=40, size=(240, 360))


def test_means_leave_out_what_was_not_measured():
    def row(dataset, method, psnr):
        return {"dataset": dataset, "method": method, "psnr": [psnr, psnr + 2]}

    table = _means([row("a", "warp", 30), row("b", "warp", 40), row("a", "other", 33)])
    assert table["headings"] == ["a PSNR", "b PSNR"]
    assert table["lines"] == [
        ("warp", [("31.00", False), ("41.00", True)]),
        ("other", [("34.00", True), ("", False)]),
    ]
