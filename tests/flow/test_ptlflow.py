"""The adapter with a stand-in for the library, and with the library itself where it is installed."""

import sys
from importlib.util import find_spec
from types import ModuleType
from urllib.error import URLError

import numpy as np
import pytest
import torch
from flow.patterns import moved

from tweenfield import FlowError, FlowEstimator, PtlFlow
from tweenfield.flow import provider
from tweenfield.flow import ptlflow as adapter

PAIR = moved(48, 64, 0, 0), moved(48, 64, 1, 1)


class StandIn(torch.nn.Module):
    """Takes and gives what ptlflow 0.4's networks do: u is the first frame's blue, v the second's red."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs):
        images = inputs["images"]
        assert images.shape[:3] == (1, 2, 3) and images.dtype == torch.float32
        if min(images.shape[3:]) < 16:
            raise RuntimeError("Output size is too small")
        if min(images.shape[3:]) < 32:
            images = images / 0  # as RAFT's do where their coarsest level is a single pixel
        flow = torch.stack((images[:, 0, 0], images[:, 1, 2]), dim=1)
        return {"flows": 255 * flow[:, None]}


@pytest.fixture
def library(monkeypatch):
    """A module that is asked for networks as ptlflow is; what it was asked for."""
    asked = []

    def get_model(model_name, ckpt_path=None, args=None):
        asked.append((model_name, ckpt_path))
        if model_name == "none":
            raise ValueError("Unknown model name: none. Choose from [gma, raft]")
        if ckpt_path == "far":
            raise URLError("no route to host")
        if ckpt_path == "wrong":
            raise RuntimeError("Error(s) in loading state_dict for GMA:\n\tMissing key(s)")
        return StandIn()

    module = ModuleType("ptlflow")
    module.get_model = get_model
    monkeypatch.setitem(sys.modules, "ptlflow", module)
    adapter._network.cache_clear()
    yield asked
    adapter._network.cache_clear()


def test_frames_go_in_as_opencv_reads_them_and_flow_comes_out_as_x_and_y(library):
    flow = PtlFlow()(*PAIR)
    assert isinstance(PtlFlow(), FlowEstimator)
    assert flow.dtype == np.float32 and flow.shape == (48, 64, 2) and flow.flags["C_CONTIGUOUS"]
    np.testing.assert_allclose(flow[..., 0], PAIR[0][..., 2], atol=1e-4)  # blue of the first
    np.testing.assert_allclose(flow[..., 1], PAIR[1][..., 0], atol=1e-4)  # red of the second


def test_weights_are_loaded_once(library):
    estimator = PtlFlow("raft", "sintel")
    estimator(*PAIR), estimator(*PAIR)
    assert library == [("raft", "sintel")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ptlflow:gma", PtlFlow("gma", "things")),
        ("ptlflow:raft:sintel", PtlFlow("raft", "sintel")),
        ("ptlflow:gma:C:/weights.ckpt", PtlFlow("gma", "C:/weights.ckpt")),
        ("ptlflow", PtlFlow("gma", "things")),
        ("gma", None),
    ],
)
def test_the_command_lines_name_says_which_network_and_weights(text, expected):
    assert provider(text) == expected
    if expected:
        assert provider(expected.name) == expected


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (PtlFlow("none"), "ptlflow:none:things: Unknown model name: none"),
        (PtlFlow("gma", "far"), "can't be fetched .*no route.*ptlflow:gma:PATH"),
        (PtlFlow("gma", "wrong"), "weights are of another network .Error.s. in loading"),
    ],
)
def test_what_the_library_refuses_is_said_in_a_sentence(library, estimator, said):
    with pytest.raises(FlowError, match=said) as caught:
        estimator(*PAIR)
    assert "\n" not in str(caught.value)


def test_frames_of_two_sizes_or_too_small_are_refused(library):
    with pytest.raises(FlowError, match="two of one size"):
        PtlFlow()(PAIR[0], PAIR[1][:, :-1])
    with pytest.raises(FlowError, match="frames of 12x64 can't be handled"):
        PtlFlow()(PAIR[0][:12], PAIR[1][:12])
    with pytest.raises(FlowError, match="no finite flow for frames of 20x64"):
        PtlFlow()(PAIR[0][:20], PAIR[1][:20])


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ptlflow", None)
    adapter._network.cache_clear()
    with pytest.raises(FlowError, match=r"pip install 'tweenfield\[ptlflow\]'"):
        PtlFlow()(*PAIR)


def test_a_library_that_cannot_be_loaded_is_named(tmp_path, monkeypatch):
    (tmp_path / "ptlflow.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "ptlflow", raising=False)
    adapter._network.cache_clear()
    with pytest.raises(FlowError, match=r"can't be loaded .operator torchvision::nms.*fits PyTorch"):
        PtlFlow()(*PAIR)


@pytest.mark.skipif(find_spec("ptlflow") is None, reason="ptlflow isn't installed")
@pytest.mark.parametrize("model", ["raft_small", "raft", "gma"])
def test_the_library_itself_with_random_weights(tmp_path, model):
    import ptlflow
    from ptlflow.utils.io_adapter import IOAdapter

    torch.manual_seed(0)
    network = ptlflow.get_model(model).eval()
    path = tmp_path / "random.ckpt"
    torch.save({"state_dict": network.state_dict()}, path)
    first, second = moved(130, 150, 0, 0), moved(130, 150, 2, 1)
    flow = PtlFlow(model, str(path))(first, second)
    inputs = IOAdapter(network.output_stride, first.shape[:2]).prepare_inputs(
        [first[..., ::-1], second[..., ::-1]]
    )
    with torch.inference_mode():
        theirs = network(inputs)["flows"][0, 0].permute(1, 2, 0).numpy()
    with pytest.raises(FlowError, match="no finite flow for frames of 100x120"):
        PtlFlow(model, str(path))(first[:100, :120], second[:100, :120])
    assert flow.shape == (130, 150, 2) and np.isfinite(flow).all() and np.abs(flow).max() > 0
    np.testing.assert_allclose(flow, theirs, atol=1e-3)
