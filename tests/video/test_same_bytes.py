"""What an encoder writes depends on the frames alone, not on what its memory held before."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tweenfield import Encoding, write_video

CODECS = (
    ("o.mp4", "h264", np.uint8),
    ("o.mp4", "hevc", np.uint8),
    ("o.webm", "av1", np.uint8),
    ("o.webm", "vp9", np.uint8),
    ("o.mov", "prores", np.uint8),
    ("o.mkv", "ffv1", np.uint8),
    ("o.mp4", "h264", np.uint16),
    ("o.mp4", "hevc", np.uint16),
    ("o.gif", None, np.uint8),
)


def moving(dtype):
    """A picture with detail at all scales, of which a part of 72x100 moves by 1.5 and 0.5 pixels a frame."""
    rng = np.random.default_rng(0)
    scales = (np.kron(rng.random((128 // s, 160 // s, 3)), np.ones((s, s, 1))) for s in (1, 4, 16))
    picture = sum(scales) / 3
    parts = (picture[k // 2 : k // 2 + 72, 3 * k // 2 : 3 * k // 2 + 100] for k in range(24))
    return [(part * np.iinfo(dtype).max).round().astype(dtype) for part in parts]


def written(folder, perturb):
    """The bytes of each kind of file, written where new memory is filled by the bytes that are asked for."""
    folder.mkdir()
    child = [sys.executable, __file__, str(folder)]
    subprocess.run(child, env={**os.environ, "MALLOC_PERTURB_": str(perturb)}, check=True)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="new memory is filled by glibc only")
def test_bytes_do_not_depend_on_what_memory_held(tmp_path):
    zeros, ones, others = (written(tmp_path / str(fill), fill) for fill in (255, 1, 200))
    assert len(zeros) == len(CODECS)
    for name, content in zeros.items():
        assert content == ones[name] == others[name], name


if __name__ == "__main__":
    for name, codec, dtype in CODECS:
        path = Path(sys.argv[1], f"{codec}-{np.dtype(dtype).name}-{name}")
        write_video(path, moving(dtype), rate=30, encoding=Encoding(codec=codec))
