"""What a Ray cluster makes has the bytes of one machine, whatever is lost on the way."""

import os
import subprocess
import sys
import threading
import time

import pytest
from cluster.clusters import cluster_of, kill_a_busy_worker, kill_node
from conftest import to_8bit, waves

from tweenfield import write_video
from tweenfield.storage.unfinished import place_of

pytest.importorskip("ray", reason="Ray isn't installed: pip install 'tweenfield[ray]'")

LINE = ["--field", "siren", "--preset", "draft", "--steps", "3", "--width", "48", "--depth", "2"]
LINE += ["--device", "cpu", "--shutter", "360", "--slow", "8x"]


@pytest.fixture(scope="module")
def nodes():
    with cluster_of(2) as found:
        yield found


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Nine frames of 96x128."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    write_video(path, [to_8bit(waves(96, 128, k, -0.5 * k)) for k in range(9)], rate=30)
    return path


# With pieces of five frames. The checks of shapes in this process can't be sent to another.
PROGRAM = """
from tweenfield.video import pieces
pieces._MOST = 5
from tweenfield.command.app import main
main()
"""


def tweenfield(*arguments):
    """The command in a process of its own, on one thread, wherever its tasks run."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def there(target):
    return len([p for p in place_of(target).glob("0*")]) if place_of(target).exists() else 0


def test_lost_workers_and_nodes_change_no_byte(nodes, clip, tmp_path):
    address, (_, last) = nodes
    alone, spread = tmp_path / "alone.mp4", tmp_path / "spread.mp4"
    assert tweenfield("run", clip, "-o", alone, *LINE).returncode == 0
    hit = []

    def kill():
        for number, victim in enumerate((kill_a_busy_worker, lambda: kill_node(last)), start=1):
            while there(spread) < number:
                time.sleep(0.02)
            victim()
            hit.append(there(spread))

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    ended = tweenfield("run", clip, "-o", spread, *LINE, "--ray", address)
    assert ended.returncode == 0, ended.stderr
    killer.join(timeout=1)
    assert len(hit) == 2 and max(hit) < 14  # both while pieces were missing
    assert spread.read_bytes() == alone.read_bytes()
    assert {p.name for p in tmp_path.iterdir()} == {"alone.mp4", "spread.mp4"}
