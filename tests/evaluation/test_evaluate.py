import os
import signal
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from conftest import to_8bit, waves
from evaluation.lpips_weights import write_published
from fitting.fits import recipe

from tweenfield import Dis, Lpips, UsageError, Video, evaluate, hide, psnr, render
from tweenfield.baselines import DEFAULT_BASELINES
from tweenfield.flow import Flow


@pytest.mark.parametrize(
    ("frames", "stride", "observed", "held_out"),
    [
        (5, 2, [0, 2, 4], [1, 3]),
        (6, 2, [0, 2, 4], [1, 3]),
        (9, 4, [0, 4, 8], [1, 2, 3, 5, 6, 7]),
        (4, 3, [0, 3], [1, 2]),
    ],
)
def test_every_nth_frame_is_observed_and_those_between_are_held_out(
    moving, frames, stride, observed, held_out
):
    video, _ = moving
    numbered = (
        np.zeros((frames, 20, 28, 3), np.uint8) + np.arange(frames, dtype=np.uint8)[:, None, None, None]
    )
    split = hide(replace(video, frames=numbered, times=tuple(Fraction(k, 25) for k in range(frames))), stride)
    assert split.observed.frames[:, 0, 0, 0].tolist() == observed
    assert split.held_out.frames[:, 0, 0, 0].tolist() == held_out
    assert list(split.indices) == held_out
    assert split.positions == tuple(Fraction(i, stride) for i in held_out)
    assert split.observed.rate == Fraction(25, stride)


def test_positions_follow_the_true_times_of_a_variable_rate(moving):
    video, _ = moving
    uneven = replace(video, times=(Fraction(0), Fraction(1), Fraction(4), Fraction(5), Fraction(8)))
    assert hide(uneven, 2).positions == (Fraction(1, 4), Fraction(5, 4))


@pytest.mark.parametrize(
    ("stride", "message"), [(1, "at least 2"), (0, "at least 2"), (5, "at least 6 frames")]
)
def test_strides_that_hide_nothing_or_too_much_are_refused(moving, stride, message):
    with pytest.raises(UsageError, match=message):
        hide(moving[0], stride)


def test_scores_are_those_of_the_drawn_frames_and_the_flow_sees_observed_frames_only(moving):
    video, _ = moving
    seen = []

    class Spy:
        name = "spy"

        def __call__(self, first, second):
            seen.extend((first, second))
            return np.zeros((*first.shape[:2], 2), np.float32)

    evaluation = evaluate(video, Spy(), recipe(steps=20), device="cpu")
    hidden = [video.frames[1].tobytes(), video.frames[3].tobytes()]
    assert seen and not any(frame.tobytes() in hidden for frame in seen)
    drawn = list(render(evaluation.result.field, [0.5, 1.5]))
    assert evaluation.score.psnr == pytest.approx(
        [psnr(drawn[0], video.frames[1]), psnr(drawn[1], video.frames[3])]
    )


def test_hidden_frames_can_be_anything_without_changing_the_fit(moving):
    video, _ = moving
    changed = video.frames.copy()
    changed[1::2] = 255 - changed[1::2]
    fits = [
        evaluate(v, Dis(), recipe(steps=20), device="cpu") for v in (video, replace(video, frames=changed))
    ]
    first, second = (evaluation.result.history[-1].loss for evaluation in fits)
    assert first == second and fits[0].score.psnr != fits[1].score.psnr


def test_the_json_has_the_documented_keys(moving):
    video, flow = moving
    given = Flow(forward=flow.forward[::2] * 2, backward=flow.backward[::2] * 2, name="given")
    values = evaluate(video, given, recipe(steps=10, seed=7), device="cpu").as_json()
    assert values.keys() == {
        *(
            "clip",
            "size",
            "stride",
            "settings",
            "field",
            "flow",
            "preset",
            "seed",
            "device",
            "protocol",
            "observed",
            "held_out",
            "psnr_observed",
        ),
        *(
            "psnr_held_out",
            "ssim_held_out",
            "frames",
            "baselines",
            "seconds",
            "peak_memory_mib",
            "parameters",
        ),
    }
    assert (values["clip"], values["flow"], values["seed"], values["observed"], values["held_out"]) == (
        "waves",
        "given",
        7,
        3,
        2,
    )
    assert set(values["baselines"]) == set(DEFAULT_BASELINES) == {"blend", "cubic", "warp"}
    assert values["seconds"].keys() == {"flow", "fit", "render"}
    assert values["parameters"] == (3 * 32 + 32) + (32 * 32 + 32) + (32 * 3 + 3)
    # The pattern moves by a known flow: only the warp can know that.
    assert values["baselines"]["warp"]["psnr_held_out"] > values["baselines"]["blend"]["psnr_held_out"] + 3


def test_any_baseline_is_given_the_observed_frames_and_the_held_out_times(moving):
    video, _ = moving
    asked = []

    def truth(observed, flow, times):
        asked.append((observed.frames[:, 0, 0].tolist(), list(times)))
        return (video.frames[int(2 * t)] / np.float32(255) for t in times)

    evaluation = evaluate(video, Dis(), recipe(steps=5), device="cpu", baselines={"truth": truth})
    assert asked == [(video.frames[::2, 0, 0].tolist(), [Fraction(1, 2), Fraction(3, 2)])]
    assert evaluation.baselines["truth"].psnr == (100, 100)
    cost = evaluation.as_json()["baselines"]["truth"]
    assert cost["seconds"] > 0 and cost["peak_memory_mib"] > 1


def test_a_baseline_that_draws_too_few_frames_is_an_error(moving):
    with pytest.raises(ValueError, match="shorter"):
        evaluate(moving[0], Dis(), recipe(steps=5), device="cpu", baselines={"none": lambda *_: []})


def test_an_unknown_protocol_is_refused_before_the_fit(moving):
    with pytest.raises(UsageError, match="no protocol 'mine'; use one of tweenfield, rife"):
        evaluate(*moving, recipe(), protocol="mine")


def test_frames_too_small_for_ssim_are_refused_before_the_fit(moving):
    video, flow = moving
    with pytest.raises(UsageError, match="11x11"):
        evaluate(replace(video, frames=video.frames[:, :10]), flow, recipe())


def test_lpips_is_measured_on_the_held_out_frames_where_it_is_asked_for(tmp_path):
    lpips = Lpips(write_published(tmp_path))
    frames = np.stack([to_8bit(waves(32, 40, 1.5 * k, -0.5 * k)) for k in range(5)])
    video = Video(frames=frames, times=tuple(Fraction(k, 25) for k in range(5)), rate=Fraction(25))
    evaluation = evaluate(video, Dis(), recipe(steps=5), device="cpu", lpips=lpips)
    drawn = render(evaluation.result.field, [0.5, 1.5])
    expected = [lpips(d / np.float32(255), truth) for d, truth in zip(drawn, frames[1::2], strict=True)]
    assert evaluation.score.lpips == pytest.approx(expected) and min(expected) > 0
    values = evaluation.as_json()
    assert values["lpips_held_out"] == pytest.approx(np.mean(expected))
    for name, score in evaluation.baselines.items():
        assert values["baselines"][name]["lpips_held_out"] == pytest.approx(np.mean(score.lpips))
    with pytest.raises(UsageError, match="30x40, but LPIPS needs 31x31"):
        evaluate(replace(video, frames=frames[:, :30]), Dis(), recipe(), lpips=lpips)


def test_an_interrupted_fit_is_not_scored(moving):
    def on_stage(stage, done, total, remark):
        if (stage, done) == ("fit", 10):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        evaluate(*moving[:1], Dis(), recipe(), device="cpu", baselines={}, on_stage=on_stage)


def test_an_evaluation_shows_its_clip_and_its_score(moving):
    found = evaluate(*moving[:1], Dis(), recipe(steps=5), device="cpu", baselines={})
    assert repr(found) == f"Evaluation('waves', {np.mean(found.score.psnr):.2f} dB held-out)"
