import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from fitting.fits import interrupt_after, recipe
from safetensors.torch import save_file

from tweenfield import ColorTags, ModelFileError, OutputError, fit, load, render, save


@pytest.fixture(scope="module")
def result(moving):
    video, flow = moving
    tagged = replace(
        video,
        color=ColorTags(matrix=6, full_range=True),
        rate=Fraction(60000, 1001),
        sample_aspect_ratio=Fraction(12, 11),
    )
    return fit(tagged, flow, recipe(steps=20), device="cpu")


def test_a_model_read_back_draws_the_same_frames_and_knows_the_same(result, tmp_path):
    save(result, tmp_path / "m.tween")
    again = load(tmp_path / "m.tween")
    for drawn, expected in zip(
        render(again.field, [0, 0.3, 3.9]), render(result.field, [0, 0.3, 3.9]), strict=True
    ):
        np.testing.assert_array_equal(drawn, expected)
    assert again.source == result.source  # size, times, rate, colour tags, pixel aspect, digest
    assert again.recipe == result.recipe
    assert (again.flow, again.step, again.steps, again.history) == (result.flow, 20, 20, result.history)
    assert again.finished and again.checkpoint is None


def test_a_teacher_is_remembered(moving, tmp_path):
    taught = replace(recipe(steps=10), teacher=recipe(steps=5))
    save(fit(*moving, taught, device="cpu"), tmp_path / "m.tween")
    assert load(tmp_path / "m.tween").recipe == taught


def test_an_unfinished_model_keeps_what_it_needs_to_go_on(moving, tmp_path):
    part = fit(*moving, recipe(), device="cpu", on_progress=interrupt_after(10))
    save(part, tmp_path / "part.tween")
    again = load(tmp_path / "part.tween")
    assert not again.finished and again.step == part.step
    assert again.checkpoint.optimizer.keys() == part.checkpoint.optimizer.keys()
    for name, value in part.checkpoint.optimizer.items():
        assert torch.equal(again.checkpoint.optimizer[name], value)


def test_the_file_is_plain_safetensors_with_a_json_header(result, tmp_path):
    save(result, tmp_path / "m.tween")
    data = (tmp_path / "m.tween").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["tweenfield"])
    assert header["recipe"]["field"]["name"] == "siren" and header["source"]["rate"] == "60000/1001"


def broken(kind, result, path):
    if kind == "missing":
        return
    if kind == "newer":
        save_file({"x": torch.zeros(1)}, path, metadata={"tweenfield": json.dumps({"version": 999})})
    elif kind == "other safetensors":
        save_file({"x": torch.zeros(1)}, path)
    elif kind == "no JSON":
        save_file({"x": torch.zeros(1)}, path, metadata={"tweenfield": "{"})
    elif kind == "lacks tensors":
        save(result, path)
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])["__metadata__"]
        save_file({"field.weights.0": torch.zeros(32, 3)}, path, metadata=header)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("hello\n" * 100)
    elif kind == "folder":
        path.mkdir()
    else:
        save(result, path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 2 // 3] if kind == "truncated" else data[:40])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "no such file"),
        ("newer", "format 999.*install a newer"),
        ("other safetensors", "not a tweenfield model"),
        ("no JSON", "not a tweenfield model"),
        ("lacks tensors", "not a tweenfield model"),
        ("empty", "not a tweenfield model"),
        ("text", "not a tweenfield model"),
        ("truncated", "only a part of one"),
        ("cut in its header", "only a part of one"),
        ("folder", "readable model file"),
    ],
)
def test_what_is_no_model_is_refused_in_one_sentence(kind, message, result, tmp_path):
    path = tmp_path / "m.tween"
    broken(kind, result, path)
    with pytest.raises(ModelFileError, match=message) as error:
        load(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_failed_save_keeps_the_old_file(result, tmp_path, monkeypatch):
    path = tmp_path / "m.tween"
    path.write_text("precious")

    def disk_full(file, arrays, metadata):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tweenfield.fitting.model_file.write_safetensors", disk_full)
    with pytest.raises(OutputError, match="disk is full"):
        save(result, path)
    assert path.read_text() == "precious" and [p.name for p in tmp_path.iterdir()] == ["m.tween"]
