"""A model file whose header or weights lie is refused in one sentence when it is loaded."""

import json
import os
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from conftest import to_8bit, waves
from fitting.fits import recipe

from tweenfield import Dis, ModelFileError, Video, draft, estimate_flow, fit, load, render, save
from tweenfield import replace as changed


@pytest.fixture(scope="module")
def siren(moving, tmp_path_factory):
    path = tmp_path_factory.mktemp("siren") / "m.tween"
    save(fit(*moving, recipe(steps=20), device="cpu"), path)
    return path


@pytest.fixture(scope="module")
def transport(tmp_path_factory):
    path = tmp_path_factory.mktemp("transport") / "m.tween"
    frames = np.stack([to_8bit(waves(40, 48, 1.5 * k)) for k in range(6)])
    video = Video(frames=frames, times=tuple(Fraction(k, 25) for k in range(6)), rate=Fraction(25))
    small = changed(draft("transport"), steps=2, width=4, hidden=1, crops=1, side=12)
    save(fit(video, estimate_flow(video, Dis()), small, device="cpu"), path)
    return path


def parts(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def put_together(path, header, tensors):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + tensors)


# Where in the JSON, and what to write there.
LIES = [
    ("version", "1"),
    ("version", 1e999),
    ("source.name", 3),
    ("source.size", [20]),
    ("source.size", [20.0, 28]),
    ("source.size", ["20", 28]),
    ("source.size", [-20, 28]),
    ("source.size", [10**6, 10**6]),
    ("source.times", []),
    ("source.times", ["0", "0"]),
    ("source.times", ["0", "1/0"]),
    ("source.times", ["0", "1e999999999"]),
    ("source.times", [0, 1]),
    ("source.rate", "0"),
    ("source.rate", "1" + 30 * "0"),
    ("source.rate", 25),
    ("source.color", {"matrix": "bt709"}),
    ("source.color", {"colour": 1}),
    ("source.color", None),
    ("source.sample_aspect_ratio", "0"),
    ("source.sample_aspect_ratio", "1000000"),
    ("source.digest", None),
    ("source.depth", 9),
    ("source.depth", "8"),
    ("source.hdr", {"display": {"red": "1e999999999"}, "max_cll": 0, "max_fall": 0}),
    ("source.hdr", [1]),
    ("recipe.name", None),
    ("recipe.field", []),
    ("recipe.field.name", "transporter"),
    ("recipe.field.name", {}),
    ("recipe.field.width", 10**9),
    ("recipe.field.depth", 10**9),
    ("recipe.field.depth", 2.0),
    ("recipe.field.omega", float("nan")),
    ("recipe.field.omega", "15"),
    ("recipe.field.color", "red"),
    ("recipe.objective.name", "leave-out"),
    ("recipe.fit.steps", True),
    ("recipe.fit.seed", -1),
    ("recipe.teacher", "me"),
    ("flow", None),
    ("step", 21),
    ("step", "20"),
    ("steps", 2.5),
    ("seconds", float("inf")),
    ("seconds", 10**400),
    ("history", [{"step": 1}]),
    ("history", {"step": 1}),
    ("observations", True),
]


@pytest.mark.parametrize(("place", "lie"), LIES, ids=lambda value: str(value)[:40])
def test_a_lie_in_the_json_is_refused(siren, tmp_path, place, lie):
    header, tensors = parts(siren)
    content = json.loads(header["__metadata__"]["tweenfield"])
    *way, last = place.split(".")
    inner = content
    for name in way:
        inner = inner[name]
    inner[last] = lie
    header["__metadata__"]["tweenfield"] = json.dumps(content)
    put_together(tmp_path / "m.tween", header, tensors)
    if place == "observations":  # there are none, and a SIREN needs none
        assert load(tmp_path / "m.tween").finished
        return
    with pytest.raises(ModelFileError) as error:
        load(tmp_path / "m.tween")
    assert str(tmp_path / "m.tween") in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["field.weights.0", "field.biases.2"])
def test_a_weight_that_is_no_number_is_named(siren, tmp_path, name, value):
    header, tensors = parts(siren)
    begin, _ = header[name]["data_offsets"]
    put_together(
        tmp_path / "m.tween", header, tensors[:begin] + np.float32(value).tobytes() + tensors[begin + 4 :]
    )
    with pytest.raises(ModelFileError, match=f"'{name}' holds NaN or infinite"):
        load(tmp_path / "m.tween")


def test_flow_that_is_no_number_is_named_when_it_is_drawn(transport, tmp_path):
    header, tensors = parts(transport)
    begin, _ = header["observed.forward_flow"]["data_offsets"]
    put_together(
        tmp_path / "m.tween", header, tensors[:begin] + np.float32(np.nan).tobytes() + tensors[begin + 4 :]
    )
    with pytest.raises(ModelFileError, match=r"'observed.forward_flow' holds NaN or infinite"):
        list(render(load(tmp_path / "m.tween").field, [0.5]))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("observed.forward_flow", {"dtype": "I64"}),
        ("observed.frames", {"dtype": "BOOL"}),
        ("observed.cuts", {"dtype": "U8"}),
        ("observed.frames", {"dtype": "F8_E5M2"}),
        ("observed.frames", {"shape": [6, 48, 40, 3]}),
        ("observed.frames", {"data_offsets": [0, 10]}),
        ("observed.frames", {"data_offsets": [10**15, 10**15 + 6 * 40 * 48 * 3]}),
        ("field.mixing.layers.0.weight", {"shape": [10**12]}),
    ],
    ids=str,
)
def test_a_lie_about_a_tensor_is_refused(transport, tmp_path, name, change):
    header, tensors = parts(transport)
    header[name] |= change
    put_together(tmp_path / "m.tween", header, tensors)
    with pytest.raises(ModelFileError, match=r"m\.tween: "):
        load(tmp_path / "m.tween")


def test_a_renamed_tensor_is_refused(transport, tmp_path):
    header, tensors = parts(transport)
    header["observed.frame"] = header.pop("observed.frames")
    put_together(tmp_path / "m.tween", header, tensors)
    with pytest.raises(ModelFileError, match="not a tweenfield model"):
        load(tmp_path / "m.tween")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "m.tween")
    with pytest.raises(ModelFileError, match="no file but a device or a pipe"):
        load(tmp_path / "m.tween")


@pytest.mark.parametrize("field", ["siren", "patches", "transport"])
@pytest.mark.parametrize("change", [{"width": 1_000_000}, {"depth": 1_000_000}])
def test_a_network_that_would_fill_the_memory_is_a_setting_that_cannot_be(field, change):
    config = draft(field).field
    with pytest.raises(ValueError, match=f"{field}: (width|depth) is 1000000, but must be at most"):
        replace(config, **change)
