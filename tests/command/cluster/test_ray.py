"""What a Ray cluster makes has the bytes of one machine, whatever is lost on the way."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from command.cluster.clusters import cluster_of, kill_a_busy_worker, kill_node
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


PROGRAM = """
from tweenfield.command.cluster import spread
from tweenfield.video import pieces
pieces._MOST, spread._COMPARED = {}, 3
from tweenfield.command.app import main
main()
"""


def tweenfield(*arguments, piece=1024, within=None):
    """The command in a process of its own, as the checks of shapes in this one can't be sent to others; on
    one thread, with pieces of so many frames and few that are compared by a task.
    """
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(piece), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=within,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def there(target):
    return len([p for p in place_of(target).glob("0*")]) if place_of(target).exists() else 0


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A folder of two short clips and of a file that is none."""
    folder = tmp_path_factory.mktemp("clips")
    for name, speed in (("a.mkv", 1), ("b.mp4", 2)):
        write_video(folder / name, [to_8bit(waves(24, 36, speed * k)) for k in range(4)], rate=25)
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


def test_a_clip_is_a_task_and_one_that_fails_is_named(nodes, clips, tmp_path):
    alone, spread = tmp_path / "alone", tmp_path / "spread"
    flags = [*LINE[:-4], "--report", tmp_path / "report"]
    flags[1] = "transport"
    ended = tweenfield("run", clips, "-o", alone, *flags[:-2])
    assert "1 of 3 inputs failed" in ended.stderr
    # As it was named, from a folder that the other processes aren't in.
    line = ["run", clips.name, "-o", spread, *flags, "--ray", nodes[0], "--json", "-"]
    ended = tweenfield(*line, within=clips.parent)
    assert ended.returncode == 1 and "1 of 3 inputs failed" in ended.stderr
    assert f"tweenfield: {clips.name}/broken.mp4: this isn't a video" in ended.stderr
    states = {Path(r["input"]).name: r["state"] for r in json.loads(ended.stdout)["results"]}
    assert states == {"a.mkv": "written", "b.mp4": "written", "broken.mp4": "failed"}
    assert {p.name: p.read_bytes() for p in spread.iterdir()} == {
        p.name: p.read_bytes() for p in alone.iterdir()
    }
    assert {p.name for p in (tmp_path / "report").iterdir()} == {"a.mkv", "b.mp4"}


def test_without_shared_storage_files_are_sent(nodes, clip, tmp_path):
    alone, spread = tmp_path / "alone.mkv", tmp_path / "spread.mkv"
    assert tweenfield("run", clip, "-o", alone, *LINE[:-4]).returncode == 0
    # A name that leads nowhere in another process.
    own = f"/proc/self/cwd/{clip.name}"
    ended = tweenfield("run", own, "-o", spread, *LINE[:-4], "--ray", nodes[0], within=clip.parent)
    assert ended.returncode == 0, ended.stderr
    assert spread.read_bytes() == alone.read_bytes()


FAILING = """
import json, sys
from tweenfield.command.cluster.tasks import Failed, Need, connected

folder, names = sys.argv[2], ["a", "bad", "c", "large"]
def work(name):
    open(f"{folder}/{name}", "a").write("x")
    if name == "bad":
        raise ValueError("no luck")
    return name.upper()

with connected(sys.argv[1]) as cluster:
    found = cluster.run(work, names, lambda name: Need(threads=1 + 8 * (name == "large"), memory=1 << 28))
    found = {names[k]: result.reason if isinstance(result, Failed) else result for k, result in found}
print(json.dumps(found))
"""


def test_what_fails_three_times_is_named_and_the_rest_finishes(nodes, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", FAILING, nodes[0], str(tmp_path)], capture_output=True, text=True, check=True
    )
    found = json.loads(ended.stdout)
    assert (found["a"], found["c"]) == ("A", "C")
    assert found["bad"] == "it failed 3 times, at last with: ValueError: no luck"
    assert (
        found["large"]
        == "it needs 9 processors (OMP_NUM_THREADS) and 0.2 GiB, which no machine of the cluster has"
    )
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "x", "bad": "xxx", "c": "x"}


LISTENING = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: print("heard"))
from tweenfield.command.cluster.tasks import Need, connected

with connected(sys.argv[1]) as cluster:
    assert dict(cluster.run(str, [1], lambda item: Need(threads=1, memory=1 << 28))) == {0: "1"}
    sys.stdout = sys.__stdout__
    signal.raise_signal(signal.SIGTERM)
"""


def test_sigterm_stays_with_the_command(nodes):
    """Ray's own handler ends the process with a trace."""
    ended = subprocess.run(
        [sys.executable, "-c", LISTENING, nodes[0]], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "heard\n", "")


def test_a_cell_is_a_task(nodes, tmp_path):
    line = ["bench", "clips", "--scale", "tiny", "--baseline", "blend"]
    assert tweenfield(*line, "-o", tmp_path / "alone").returncode == 0
    ended = tweenfield(*line, "-o", tmp_path / "spread", "--ray", nodes[0])
    assert ended.returncode == 0, ended.stderr
    own = ("seconds", "peak_memory_mib", "provenance")
    alone, spread = (
        [
            {key: value for key, value in row.items() if key not in own}
            for row in json.loads((tmp_path / name / "clips.json").read_text())["rows"]
        ]
        for name in ("alone", "spread")
    )
    assert spread == alone
    names = sorted(p.name for p in (tmp_path / "alone" / "pictures").iterdir())
    assert names and names == sorted(p.name for p in (tmp_path / "spread" / "pictures").iterdir())


# Last, as a node is gone then.
def test_lost_workers_and_nodes_change_no_byte(nodes, clip, tmp_path):
    address, (_, last) = nodes
    alone, spread = tmp_path / "alone.mp4", tmp_path / "spread.mp4"
    assert tweenfield("run", clip, "-o", alone, *LINE, piece=5).returncode == 0
    hit = []

    def kill():
        for number, victim in enumerate((kill_a_busy_worker, lambda: kill_node(last)), start=1):
            while there(spread) < number:
                time.sleep(0.02)
            victim()
            hit.append(there(spread))

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    ended = tweenfield("run", clip, "-o", spread, *LINE, "--ray", address, piece=5)
    assert ended.returncode == 0, ended.stderr
    killer.join(timeout=1)
    assert len(hit) == 2 and max(hit) < 14  # both while pieces were missing
    assert spread.read_bytes() == alone.read_bytes()
    assert {p.name for p in tmp_path.iterdir()} == {"alone.mp4", "spread.mp4"}
