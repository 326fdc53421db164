"""The page's error to expect and true error are the field's and the held-out frames'."""

import json
from pathlib import Path
from urllib.parse import unquote

import cv2
import httpx
import numpy as np
import pytest
from command.running import fails, tweenfield
from conftest import to_8bit, waves
from viewer.looking import client_of, clip, serving, still, tiny

from tweenfield import Dis, draft, evaluate, fit, psnr, render, replace, view
from tweenfield.baselines import BASELINES
from tweenfield.errors import UsageError
from tweenfield.evaluation.error_maps import ERROR_LEVELS, error_levels, error_picture, error_scale
from tweenfield.evaluation.folder import is_evaluation, load_evaluation, save_evaluation
from tweenfield.viewer.session import Session

QUICK = replace(draft(), steps=4, width=4, hidden=2, crops=1, side=12)


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(clip(frames=9), Dis(), QUICK, device="cpu", baselines={})


@pytest.fixture(scope="module")
def folder(evaluation, tmp_path_factory):
    path = tmp_path_factory.mktemp("evaluations") / "report"
    save_evaluation(evaluation, path)
    return path


@pytest.fixture(scope="module")
def client(evaluation):
    split = evaluation.split
    with serving(Session(split.observed, evaluation.result, split=split)) as (_, client):
        yield client


def test_an_evaluation_in_python_is_looked_at_with_its_held_out_frames(evaluation, client):
    with view(evaluation, browser=False) as viewer, client_of(viewer) as own:
        own.get(viewer.address)
        assert own.get("/about").json() == client.get("/about").json()
        params = {"t": 1.5, "kind": "true", "what": "field"}
        assert own.get("/error", params=params).content == client.get("/error", params=params).content
    with pytest.raises(UsageError, match="two videos"):
        view(evaluation, video=evaluation.split.observed, browser=False)


def picture(response):
    assert response.status_code == 200, response.text
    return cv2.imdecode(np.frombuffer(response.content, np.uint8), 1)[..., ::-1], unquote(
        response.headers["x-shown"]
    )


def test_error_to_expect_is_the_fields(client, evaluation):
    field = evaluation.result.field
    seen, label = picture(client.get("/error", params={"t": 1.25, "kind": "expected"}))
    np.testing.assert_array_equal(seen, error_picture(field.expected_error(1.25).detach().numpy()))
    assert label == f"error to expect: {field.expected_psnr(1.25):.1f} dB"
    black, label = picture(client.get("/error", params={"t": 2, "kind": "expected"}))
    assert label.endswith("exact") and (black == error_picture(np.zeros((1, 1), np.float32))[0, 0]).all()


def test_true_error_is_that_of_the_held_out_frame(client, evaluation):
    split = evaluation.split
    drawn, truth = next(render(evaluation.result.field, [1.5])), np.asarray(split.held_out.frames[1])
    seen, label = picture(client.get("/error", params={"t": 1.5, "kind": "true"}))
    squared = np.square(drawn.astype(float) - truth)
    np.testing.assert_array_equal(seen, error_picture(np.sqrt(squared.mean(axis=2)).astype(np.float32)))
    decibels = 10 * np.log10(255**2 / squared.mean())
    assert label == f"true error of transport at 1.5: {decibels:.1f} dB"
    assert decibels == pytest.approx(evaluation.score.psnr[1])
    (blended,) = BASELINES["blend"](split.observed, still(split.observed), [1.5])
    _, label = picture(client.get("/error", params={"t": 1.5, "kind": "true", "what": "baseline:blend"}))
    assert label.endswith(f": {psnr(np.round(blended * 255).astype(np.uint8), truth):.1f} dB")


def test_the_truth_is_shown_beside_the_field(client, evaluation):
    for t, frames, k in ((1.5, evaluation.split.held_out, 1), (1.6, evaluation.split.held_out, 1),
                         (2, evaluation.split.observed, 2)):  # fmt: skip
        seen, _ = picture(client.get("/frame", params={"t": t, "what": "truth"}))
        np.testing.assert_array_equal(seen, frames.frames[k])


def test_the_plot_has_what_the_evaluation_found(client, evaluation):
    assert client.get("/about").json()["held_out"] == [0.5, 1.5, 2.5, 3.5]
    for t, true, expected in zip(
        (0.5, 1.5, 2.5, 3.5), evaluation.score.psnr, evaluation.expected, strict=True
    ):
        told = client.get("/told", params={"t": t}).json()
        assert told["true"] == pytest.approx(true, abs=0.006)
        assert told["expected"] == pytest.approx(expected, abs=0.006)
        assert bool(told["reason"]) == (expected < 30)


def test_thirds_of_an_interval_have_their_truth():
    evaluation = evaluate(clip(frames=7), Dis(), tiny(2), stride=3, device="cpu", baselines={})
    with serving(Session(evaluation.split.observed, evaluation.result, split=evaluation.split)) as (
        _,
        client,
    ):
        for k, t in enumerate(client.get("/about").json()["held_out"]):
            told = client.get("/told", params={"t": t}).json()
            assert told == {
                "t": round(t * 4096) / 4096, "expected": None, "reason": "",
                "true": pytest.approx(evaluation.score.psnr[k], abs=0.006),
            }  # fmt: skip


def test_what_is_not_known_is_said_in_a_sentence(client):
    video = clip()
    with serving(Session(video, fit(video, still(video), tiny(2), device="cpu"))) as (_, other):
        said = other.get("/error", params={"t": 0.5, "kind": "expected"})
        assert said.status_code == 422 and "siren: this field has no error to expect" in said.text
        said = other.get("/error", params={"t": 0.5, "kind": "true"})
        assert said.status_code == 422 and "there are no held-out frames" in said.text
        assert other.get("/told", params={"t": 0.5}).json()["expected"] is None
        assert other.get("/frame", params={"t": 0.5, "what": "truth"}).status_code == 422
    said = client.get("/error", params={"t": 1.3, "kind": "true"})
    assert said.status_code == 422 and "at 1.3; the nearest is at 1.5" in said.text
    with serving(Session(video)) as (_, unfitted):
        for path in ("/told?t=1", "/error?t=1&kind=expected"):
            assert "no field yet" in unfitted.get(path).json()["detail"]


def test_each_of_the_256_colours_is_another_level():
    scale = error_scale()
    assert len({tuple(color) for color in scale[0]}) == 256
    np.testing.assert_array_equal(
        error_picture(np.full((1, 1), ERROR_LEVELS + 9, np.float32))[0], scale[:, -1]
    )
    deep = np.full((1, 1, 3), 257 * 10, np.uint16), np.full((1, 1, 3), 257 * 13, np.uint16)
    assert error_levels(*deep)[0, 0] == pytest.approx(3)


def test_the_folder_of_an_evaluation_is_read_back(folder, evaluation):
    assert is_evaluation(folder) and not is_evaluation(folder.parent)
    result, split = load_evaluation(folder)
    assert result.field.expected_psnr(0.5) == pytest.approx(evaluation.result.field.expected_psnr(0.5))
    for name in ("stride", "positions", "indices"):
        assert getattr(split, name) == getattr(evaluation.split, name)
    for name in ("observed", "held_out"):
        again, before = getattr(split, name), getattr(evaluation.split, name)
        np.testing.assert_array_equal(np.stack(list(again.frames)), np.stack(list(before.frames)))
    # A session takes them for the frames that were fitted, to their times and digest.
    assert Session(split.observed, result, split=split).truth.held_out == [0.5, 1.5, 2.5, 3.5]


def test_a_deep_video_is_kept_to_the_last_bit(tmp_path):
    frames = np.stack([to_8bit(waves(24, 36, k, 0)) for k in range(5)]).astype(np.uint16)
    levels = (frames * 1023 // 255 * 65535 + 511) // 1023
    video = replace_video(clip(frames=5, height=24, width=36), levels)
    evaluation = evaluate(video, Dis(), tiny(2), device="cpu", baselines={})
    save_evaluation(evaluation, tmp_path / "deep")
    _, split = load_evaluation(tmp_path / "deep")
    np.testing.assert_array_equal(np.stack(list(split.held_out.frames)), levels[1::2])


def replace_video(video, frames):
    from dataclasses import replace as changed

    return changed(video, frames=frames.astype(np.uint16), depth=10)


def test_view_opens_the_folder(folder, tmp_path):
    fails(tweenfield("view", folder, "--video", folder / "drawn.mp4"), 2, "leave out --video")
    fails(tweenfield("view", folder, "--frames", "0:3"), 2, "leave out --video, --frames")
    fails(tweenfield("view", folder, "--steps", "3"), 2, "leave out --steps")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in Path(folder).iterdir():
        (damaged / path.name).write_bytes(path.read_bytes())
    told = json.loads((damaged / "result.json").read_text())
    (damaged / "result.json").write_text(json.dumps({**told, "frames": told["frames"][1:]}))
    fails(tweenfield("view", damaged), 1, "different evaluations")
    (damaged / "result.json").write_text("{}")
    fails(tweenfield("view", damaged), 1, "result.json", "evaluate again")


def test_the_page_gets_the_shared_parts(client):
    for name, kind in (
        ("style.css", "text/css"),
        ("plot.js", "text/javascript"),
        ("stage.js", "text/javascript"),
    ):
        assert client.get(httpx.URL(f"/{name}")).headers["content-type"].startswith(kind)
