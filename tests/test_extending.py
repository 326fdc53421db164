"""A thing of each kind is added from outside: public names, one line in a table, then the command line.

CONTRIBUTING.md points here: each class below is about as little as its kind asks for.
"""

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
import torch
from command.running import fails, tweenfield
from torch import nn

from tweenfield import (
    BASELINES,
    CONTAINERS,
    EXPERIMENTS,
    PROVIDERS,
    RECIPES,
    Cell,
    Container,
    Experiment,
    Field,
    FieldConfig,
    FitConfig,
    Flow,
    FlowConstraint,
    FlowEstimator,
    Losses,
    Method,
    Objective,
    ObjectiveConfig,
    Recipe,
    SirenConfig,
    Verdict,
    hide,
    load,
    psnr,
    read_flow,
    read_video,
    write_flow,
    write_video,
)

FRAMES, HEIGHT, WIDTH = 7, 24, 36
# As little of a fit as there can be, where the field isn't looked at.
NO_FIT = ("--preset", "draft", "--steps", "1", "--device", "cpu", "-q")


def clip(folder, frames):
    """Frames as PNGs, so that they are read as they were."""
    write_video(folder, frames, rate=Fraction(30))
    return folder


def done(*arguments):
    result = tweenfield(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


# A field: colours that are linear in x, y and t.


@dataclass(frozen=True, kw_only=True)
class PlaneConfig:
    name: ClassVar[str] = "plane"
    draws_alpha: ClassVar[bool] = False
    expects_error: ClassVar[bool] = False

    slope: float = 0.0
    """That of every colour along each axis before the fit."""

    def build(self, grid, seed):
        return Plane(self, grid)


class Plane(Field):
    name = "plane"

    def __init__(self, config, grid):
        super().__init__()
        self.grid, self._config = grid, config
        self.level = nn.Parameter(torch.full((3,), 0.5))
        self.slopes = nn.Parameter(torch.full((3, 3), config.slope))
        self.register_buffer(
            "extent", torch.tensor([grid.width, grid.height, grid.frames]).float(), persistent=False
        )

    @property
    def config(self):
        return self._config

    def forward(self, points):
        return self.level + points / self.extent @ self.slopes

    def with_derivative(self, points, direction):
        return self(points), direction / self.extent @ self.slopes


def plane(t):
    """Colours at time ``t`` in whole levels: linear, and moving by (1, 0) pixels a frame."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack((60 + 4 * (x - t), 40 + 6 * y, 200 - 2 * (x - t)), axis=-1).astype(np.uint8)


def test_a_field_finds_the_video_that_is_one_of_its_own(tmp_path, monkeypatch):
    recipe = Recipe(
        name="standard",
        field=PlaneConfig(slope=0.1),
        objective=FlowConstraint(points=512),
        fit=FitConfig(steps=300, learning_rate=0.05),
    )
    monkeypatch.setitem(RECIPES, "plane", {"standard": recipe})

    frames, flow = clip(tmp_path / "clip", [plane(t) for t in range(FRAMES)]), tmp_path / "flow"
    forward = np.broadcast_to(np.float32([1, 0]), (FRAMES - 1, HEIGHT, WIDTH, 2))
    write_flow(Flow(forward=forward, backward=-forward, name="exact"), flow)
    fit = ("--field", "plane", "--flow", flow, "--device", "cpu")
    done("fit", frames, "-o", tmp_path / "plane.tween", *fit)
    done("render", tmp_path / "plane.tween", "-o", tmp_path / "drawn", "--slow", "2x")
    drawn = read_video(tmp_path / "drawn").frames
    assert len(drawn) == 2 * FRAMES
    for k, frame in enumerate(drawn):
        np.testing.assert_array_equal(frame, plane(min(k / 2, FRAMES - 1)))

    result = load(tmp_path / "plane.tween")
    assert isinstance(result.field, Plane) and isinstance(result.recipe.field, FieldConfig)
    assert result.field.config == PlaneConfig(slope=0.1) and result.recipe == recipe
    _, change = result.field.with_derivative(torch.rand(9, 3), torch.tensor([[1.0, 0.0, 1.0]]).expand(9, 3))
    assert change.abs().max() < 1e-3  # levels of 1 a frame interval: it moves as the flow says
    assert json.loads(done("info", tmp_path / "plane.tween", "--json", "-"))["recipe"]["field"] == {
        "name": "plane",
        "slope": 0.1,
    }
    fails(tweenfield("run", frames, "-o", tmp_path / "no", *fit, "--omega", "3"), 2, "plane", "no setting")


# An objective: the mean absolute error of observed points.


@dataclass(frozen=True, kw_only=True)
class L1:
    name: ClassVar[str] = "l1"
    teachable: ClassVar[bool] = False
    holds_clip: ClassVar[bool] = False

    points: int = 512
    """Points drawn per step."""

    def check(self, field):
        """Any field has colours."""

    def learnt(self, grid):
        return nn.ModuleDict()

    def on(self, observed, device, teacher=None):
        return Absolute(self, observed.video, device)


class Absolute:
    def __init__(self, config, video, device):
        self.learnt = nn.ModuleDict()
        self._points, self._device = config.points, device
        self._colors = torch.from_numpy(video.frames[:]).to(device).float() / 255

    def steps_per_epoch(self, field):
        return -(-self._colors[..., 0].numel() // self._points)

    def __call__(self, field, generator):
        t, y, x = (torch.randint(n, (self._points,), generator=generator) for n in self._colors.shape[:3])
        error = field(torch.stack((x, y, t), dim=1).float().to(self._device)) - self._colors[t, y, x]
        loss = error.abs().sum(dim=1).mean()
        return Losses(loss, error.square().sum(dim=1).mean(), torch.zeros_like(loss))

    def finish(self, field):
        """Nothing is left to do."""


def test_an_objective_that_outliers_cannot_move(tmp_path, monkeypatch):
    siren = SirenConfig(width=32, depth=2, omega=10.0, time_step=0.01)
    fit = FitConfig(steps=300, learning_rate=3e-3)
    for name, objective in (("l1", L1()), ("l2", FlowConstraint(weight=0, points=512))):
        recipe = Recipe(name=name, field=siren, objective=objective, fit=fit)
        monkeypatch.setitem(RECIPES["siren"], name, recipe)

    y, x = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    still = np.stack((90 + 60 * x, 120 - 80 * y, 100 + 50 * np.sin(6 * x)), axis=-1).round().astype(np.uint8)
    white = np.random.default_rng(0).random((FRAMES, HEIGHT, WIDTH, 1)) < 0.15
    frames = clip(tmp_path / "clip", np.where(white, np.uint8(255), still))
    quality = {}
    for name in ("l1", "l2"):
        model, drawn = tmp_path / f"{name}.tween", tmp_path / name
        done("fit", frames, "-o", model, "--field", "siren", "--preset", name, "--device", "cpu")
        done("render", model, "-o", drawn)
        quality[name] = np.mean([psnr(frame, still) for frame in read_video(drawn).frames])
    # The mean of all observed colours is 15% of the way to white; their median is what stands still.
    assert quality["l1"] > 35 and quality["l2"] < 22
    result = load(tmp_path / "l1.tween")
    assert isinstance(result.recipe.objective, ObjectiveConfig) and result.recipe.objective == L1()
    assert isinstance(Absolute(L1(), read_video(frames), torch.device("cpu")), Objective)


# A flow provider: one vector for the whole picture, by correlation.


class Shift:
    name = "shift"

    def __call__(self, first, second):
        before, after = (np.fft.rfft2(frame.mean(axis=2)) for frame in (first, second))
        size = first.shape[:2]
        peak = np.unravel_index(np.fft.irfft2(after * before.conj(), size).argmax(), size)
        y, x = ((p + n // 2) % n - n // 2 for p, n in zip(peak, size, strict=True))
        return np.broadcast_to(np.float32([x, y]), (*size, 2))


@pytest.fixture(scope="module")
def rolling(tmp_path_factory):
    """Noise that moves by (3, -1) pixels a frame, round about."""
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    frames = [np.roll(noise, (-k, 3 * k), axis=(0, 1)) for k in range(FRAMES)]
    return clip(tmp_path_factory.mktemp("rolling") / "clip", frames)


def test_a_flow_provider_is_used_by_its_name(rolling, tmp_path, monkeypatch):
    monkeypatch.setitem(PROVIDERS, "shift", Shift)
    assert isinstance(Shift(), FlowEstimator)

    done("flow", rolling, "-o", tmp_path / "flow", "--flow", "shift")
    flow = read_flow(tmp_path / "flow", read_video(rolling))
    for values, expected in ((flow.forward, [3, -1]), (flow.backward, [-3, 1])):
        np.testing.assert_array_equal(values, np.broadcast_to(np.float32(expected), values.shape))
    line = ("eval", rolling, *NO_FIT, "--flow", "shift", "--baseline", "warp", "--json", "-")
    found = json.loads(done(*line))
    other = json.loads(done(*line, "--flow", "farneback"))
    assert (found["flow"], other["flow"]) == ("shift", "farneback")
    # Noise has no gradient to follow over 6 pixels. What it lacks is what came in at the border.
    assert found["baselines"]["warp"]["psnr_held_out"] > other["baselines"]["warp"]["psnr_held_out"] + 5


# A baseline: the observed frame before.


def before(observed, flow, times):
    return (observed.frames[int(t)] / np.float32(255) for t in times)


def test_a_baseline_is_scored_by_its_name(rolling, monkeypatch):
    monkeypatch.setitem(BASELINES, "before", before)

    line = ("eval", rolling, *NO_FIT, "--stride", "3", "--baseline", "before", "--baseline", "blend")
    found = json.loads(done(*line, "--json", "-"))["baselines"]
    assert list(found) == ["before", "blend"]
    frames = read_video(rolling).frames
    known = np.mean([psnr(frames[k], frames[k - k % 3]) for k in (1, 2, 4, 5)])
    assert found["before"]["psnr_held_out"] == pytest.approx(known)


# A container: all frames as one NumPy array.


class Npy:
    folder, square_pixels, holds, codecs, highest_rate = False, False, None, (), Fraction(1000)

    def keeps_alpha(self, encoding):
        return False

    def write(self, path, frames, look):
        stack = np.stack(list(frames))
        with path.open("wb") as file:
            np.save(file, stack)
        return len(stack)


def test_a_container_is_chosen_by_its_extension(rolling, tmp_path, monkeypatch):
    assert isinstance(Npy(), Container)
    fails(tweenfield("run", rolling, "-o", tmp_path / "out.npy", *NO_FIT), 2, ".npy isn't a kind of video")
    monkeypatch.setitem(CONTAINERS, ".npy", Npy())

    done("run", rolling, "-o", tmp_path / "out.npy", *NO_FIT, "--slow", "2x")
    stack = np.load(tmp_path / "out.npy")
    assert stack.shape == (2 * FRAMES, HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(stack[::2], read_video(rolling).frames)  # transport keeps what it observed
    line = ("run", rolling, "-o", tmp_path / "fast.npy", *NO_FIT, "--fps", "1001")
    fails(tweenfield(*line), 2, "a NPY plays at most 1000 frames per second")


# An experiment: is cross-fading better than the frame before?


def fading(rows):
    quality = {row["method"]: np.mean(row["psnr"]) for row in rows}
    better = quality["blend"] > quality["before"]
    return Verdict(
        outcome="reproduced" if better else "not reproduced", because=f"blend {quality['blend']:.2f} dB"
    )


FADING = Experiment(
    title="Is fading better?",
    question="Held-out PSNR of two baselines.",
    claim="Cross-fading is better than the frame before.",
    plan=lambda scale, cases, baselines: [
        Cell(case=case, method=Method(name=name, how=how))
        for case in cases
        for name, how in (("before", before), ("blend", BASELINES["blend"]))
    ],
    figures=lambda rows: [],
    check=fading,
)


def test_an_experiment_is_run_by_its_name(rolling, tmp_path, monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "fading", FADING)

    said = done("bench", "fading", "--data", rolling.parent, "-o", tmp_path / "out", "--device", "cpu")
    assert "fading, scale small" in said and "reproduced" in said
    content = json.loads((tmp_path / "out" / "fading.json").read_text())
    split = hide(read_video(rolling))
    known = [
        psnr(truth, split.observed.frames[k])
        for k, truth in enumerate(split.held_out.frames[: len(split.positions)])
    ]
    psnrs = {row["method"]: row["psnr"] for row in content["rows"]}
    assert psnrs["before"] == pytest.approx(known)
    assert content["verdict"]["because"] == f"blend {np.mean(psnrs['blend']):.2f} dB"
    assert "Is fading better?" in (tmp_path / "out" / "report.html").read_text()
