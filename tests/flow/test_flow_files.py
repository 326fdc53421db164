"""Flow through files: what comes back, and what is refused."""

import struct

import cv2
import numpy as np
import pytest
from flow.patterns import constant, moved, video_of

from tweenfield.errors import FlowError, OutputError
from tweenfield.flow import Flow, read_flow, write_flow

H, W = 12, 16


@pytest.fixture
def video():
    return video_of([moved(H, W, k, 0) for k in range(4)])


@pytest.fixture
def pair():
    return video_of([moved(H, W, k, 0) for k in range(2)])


@pytest.fixture
def flow():
    ahead, back = np.random.default_rng(0).normal(0, 2, (2, 3, H, W, 2)).astype(np.float32)
    return Flow(forward=ahead, backward=back, name="noise")


def flo(values, width=None, height=None):
    h, w = values.shape[:2]
    return struct.pack("<4sii", b"PIEH", width or w, height or h) + values.astype("<f4").tobytes()


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def test_a_folder_comes_back_bit_for_bit(tmp_path, video, flow):
    write_flow(flow, tmp_path / "flow")
    back = read_flow(tmp_path / "flow", video)
    assert same(back.forward, flow.forward) and same(back.backward, flow.backward)


def test_a_folder_holds_flo_files_that_opencv_reads_and_pictures(tmp_path, flow):
    write_flow(flow, tmp_path / "flow")
    names = [f"{d}_000{k}.flo" for d in ("backward", "forward") for k in range(3)]
    assert sorted(p.name for p in (tmp_path / "flow").iterdir()) == sorted(
        names + [f"forward_000{k}.png" for k in range(3)]
    )
    assert same(cv2.readOpticalFlow(str(tmp_path / "flow/backward_0002.flo")), flow.backward[2])
    assert cv2.imread(str(tmp_path / "flow/forward_0001.png")).shape == (H, W, 3)


def test_an_empty_folder_is_filled(tmp_path, video, flow):
    write_flow(flow, tmp_path)
    assert same(read_flow(tmp_path, video).forward, flow.forward)


def test_npz_comes_back_bit_for_bit(tmp_path, video, flow):
    np.savez(tmp_path / "flow.npz", forward=flow.forward, backward=flow.backward)
    back = read_flow(tmp_path / "flow.npz", video)
    assert same(back.forward, flow.forward) and same(back.backward, flow.backward)


def test_forward_alone_is_inverted(tmp_path, video):
    ahead = np.stack([constant(H, W, 0.5 * k, -1) for k in range(3)])
    np.save(tmp_path / "flow.npy", ahead.astype(np.float64))
    np.savez(tmp_path / "flow.npz", forward=ahead)
    for name in ("flow.npy", "flow.npz"):
        found = read_flow(tmp_path / name, video)
        assert same(found.forward, ahead)
        np.testing.assert_array_equal(found.backward, -ahead)


def test_a_foreign_folder_is_read_in_natural_order(tmp_path):
    video = video_of([moved(H, W, k, 0) for k in range(12)])
    for k in range(11):
        (tmp_path / f"frame{k + 1}.flo").write_bytes(flo(constant(H, W, k, 0)))
    (tmp_path / "readme.txt").write_text("not flow")
    found = read_flow(tmp_path, video)
    np.testing.assert_array_equal(found.forward[:, 0, 0, 0], np.arange(11))
    np.testing.assert_array_equal(found.backward, -np.asarray(found.forward))


def test_a_single_flo_is_for_two_frames(tmp_path, pair, video):
    path = tmp_path / "pair.flo"
    path.write_bytes(flo(constant(H, W, 1.25, 0)))
    np.testing.assert_array_equal(read_flow(path, pair).forward[0], constant(H, W, 1.25, 0))
    with pytest.raises(FlowError, match=r"pair\.flo: flow of 1 interval.*3 are needed, between the 4 frames"):
        read_flow(path, video)


def good():
    return constant(H, W, 1, 0)


def with_value(value):
    values = good()
    values[3, 4, 1] = value
    return values


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a Middlebury"),
        (b"PIEH", "not a Middlebury"),
        (b"HEIP" + flo(good())[4:], "not a Middlebury"),
        (flo(good())[:-1], "1547 bytes.*takes 1548"),
        (flo(good()) + b"x", "1549 bytes.*takes 1548"),
        (flo(good(), width=2**31 - 1, height=2**31 - 1), "width 2147483647.*width 16"),
        (flo(good(), width=-16, height=-12), "height -12"),
        (flo(constant(W, H, 1, 0)), "height 16 and width 12.*height 12 and width 16"),
        (flo(with_value(np.nan)), "NaN or infinite"),
        (flo(with_value(-np.inf)), "NaN or infinite"),
        (flo(with_value(1.6e9)), r"unknown \(over 1e9\) at 1 pixel"),
    ],
)
def test_a_bad_flo_is_refused(tmp_path, pair, data, message):
    path = tmp_path / "bad.flo"
    path.write_bytes(data)
    with pytest.raises(FlowError, match=rf"bad\.flo: .*{message}"):
        read_flow(path, pair)


def shaped(*shape):
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (shaped(2, H, W, 2), r"2 interval.*3 are needed"),
        (shaped(3, H, W - 1, 2), "width 15.*width 16"),
        (shaped(3, H, W, 3), r"shape \(3, 12, 16, 3\)"),
        (shaped(H, W, 2), r"shape \(12, 16, 2\)"),
        (np.array(1.0), r"shape \(\)"),
        (np.zeros((3, H, W, 2), complex), "complex128"),
        (np.full((3, H, W, 2), np.nan), "NaN"),
        (np.full((3, H, W, 2), 1e300), "unknown"),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_a_bad_array_is_refused(tmp_path, video, array, message, kind):
    path = tmp_path / f"bad.{kind}"
    if kind == "npy":
        np.save(path, array)
    else:
        np.savez(path, forward=array, backward=array)
    with pytest.raises(FlowError, match=rf"bad\.{kind}: .*{message}"):
        read_flow(path, video)


def test_pickles_are_never_loaded(tmp_path, video):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was loaded",))

    bomb = np.array([Bomb()], dtype=object)
    np.save(tmp_path / "bad.npy", bomb, allow_pickle=True)
    np.savez(tmp_path / "bad.npz", forward=bomb)
    (tmp_path / "plain.npy").write_bytes(bomb.dumps())
    for name in ("bad.npy", "bad.npz", "plain.npy"):
        with pytest.raises(FlowError, match="plain numbers"):
            read_flow(tmp_path / name, video)


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_damaged_numpy_files_are_refused(tmp_path, video, flow, kind):
    path = tmp_path / f"bad.{kind}"
    if kind == "npy":
        np.save(path, flow.forward)
    else:
        np.savez_compressed(path, forward=flow.forward)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    cut = [whole[:n] for n in (0, 4, 60, len(whole) // 2, len(whole) - 9)]
    for data in [*cut, b"no numbers at all", *([bytes(flipped)] if kind == "npz" else [])]:
        path.write_bytes(data)
        with pytest.raises(FlowError, match=rf"bad\.{kind}"):
            read_flow(path, video)


@pytest.mark.parametrize(
    "header", [b"{'descr': '<f4', 'fortran", b"{'descr': \x00", b"(" * 90, b"{1: 2}", b"9" * 100]
)
def test_an_npy_whose_header_is_no_python_is_refused(tmp_path, video, header):
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    with pytest.raises(FlowError, match="not a NumPy file of plain numbers"):
        read_flow(tmp_path / "bad.npy", video)


def test_an_npy_that_claims_an_absurd_size_is_refused(tmp_path, video):
    path = tmp_path / "bad.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6, 10**3, 2)}
        )
    with pytest.raises(FlowError, match=r"bad\.npy"):
        read_flow(path, video)


def test_an_npz_without_forward_is_refused(tmp_path, video, flow):
    np.savez(tmp_path / "bad.npz", flow=flow.forward)
    with pytest.raises(FlowError, match="no array named 'forward'"):
        read_flow(tmp_path / "bad.npz", video)


def test_folders_that_dont_fit_are_refused(tmp_path, video, flow):
    with pytest.raises(FlowError, match="0 interval"):
        read_flow(tmp_path, video)
    write_flow(flow, tmp_path)
    (tmp_path / "backward_0001.flo").unlink()
    with pytest.raises(FlowError, match=r"2 interval.*3 are needed"):
        read_flow(tmp_path, video)
    (tmp_path / "backward_0001.flo").mkdir()
    with pytest.raises(FlowError, match=r"backward_0001\.flo: can't be read"):
        read_flow(tmp_path, video)


def test_missing_and_other_files_are_refused(tmp_path, video):
    with pytest.raises(FlowError, match=r"gone\.flo: no such file"):
        read_flow(tmp_path / "gone.flo", video)
    (tmp_path / "flow.txt").write_text("0 0")
    with pytest.raises(FlowError, match=r"flow\.txt: not a flow file"):
        read_flow(tmp_path / "flow.txt", video)


def test_one_frame_needs_no_flow(tmp_path):
    np.save(tmp_path / "flow.npy", shaped(0, H, W, 2))
    with pytest.raises(FlowError, match="two frames are needed"):
        read_flow(tmp_path / "flow.npy", video_of([moved(H, W, 0, 0)]))


def test_what_is_there_is_never_overwritten(tmp_path, flow):
    (tmp_path / "flow").mkdir()
    (tmp_path / "flow/mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("flow", "file"):
        with pytest.raises(OutputError, match="not an empty folder"):
            write_flow(flow, tmp_path / name)
    assert [p.name for p in (tmp_path / "flow").iterdir()] == ["mine.txt"]
    assert (tmp_path / "file").read_text() == "mine"


def test_nothing_half_written_remains(tmp_path, flow, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tweenfield.flow.files.flow_to_color", fail)
    with pytest.raises(OutputError, match="disk is full"):
        write_flow(flow, tmp_path / "flow")
    assert list(tmp_path.iterdir()) == []
