"""What the package is made of and whom it talks to: hashes, licences, the network."""

import http.server
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import to_8bit, waves

from tweenfield import VideoError, read_video, write_video

ROOT = Path(__file__).parents[1]
TINY = "--field siren --preset draft --width 8 --depth 2 --steps 3 --device cpu -q"
# Ends the process at the first thing that Python does with a socket.
FORBIDDING = """
import os, sys
def forbid(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.")):
        os.write(2, f"network: {event} {arguments}".encode())
        os._exit(99)
sys.addaudithook(forbid)
from tweenfield.command.app import main
for line in sys.stdin.read().splitlines():
    sys.argv = ["tweenfield", *line.split()]
    main.__globals__["app"](prog_name="tweenfield", standalone_mode=False)
"""


def test_no_command_touches_the_network(tmp_path):
    write_video(tmp_path / "clip.mkv", [to_8bit(waves(24, 36, k)) for k in range(5)], rate=25)
    lines = [
        f"run clip.mkv -o out.mp4 {TINY}",
        f"fit clip.mkv -o m.tween {TINY}",
        "render m.tween -o drawn.mkv -q",
        f"eval clip.mkv --json scores.json {TINY}",
        "flow clip.mkv -o flow -q",
        "info m.tween",
        "bench fig4b -o report --scale tiny -q",
    ]
    done = subprocess.run(
        [sys.executable, "-c", FORBIDDING],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"clip.mkv", "out.mp4", "m.tween", "drawn.mkv", "scores.json", "flow", "report"}


def test_the_hook_sees_a_socket():
    code = (
        FORBIDDING.partition("from tweenfield")[0]
        + "import socket; socket.create_connection(('127.0.0.1', 9))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 99 and "network: socket." in done.stderr


def test_an_address_in_a_file_is_not_fetched(tmp_path):
    """FFmpeg opens sockets past Python, so here somebody listens."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/clip.ts"
        (tmp_path / "list.m3u8").write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.2,\n{address}\n#EXT-X-ENDLIST\n"
        )
        with pytest.raises(VideoError):
            read_video(tmp_path / "list.m3u8")
        server.shutdown()
    assert asked == []


def pinned(name):
    """Versions and numbers of hashes in a file of pip's."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {re.match(r"([\w.-]+)==([^\s;]+)", line).groups(): line.count("--hash=sha256:") for line in lines}


def test_files_with_hashes_are_of_the_versions_that_the_tests_know():
    hashed = pinned("hashes.txt") | pinned("hashes-torch.txt")
    assert all(hashed.values())
    versions, known = dict(hashed), dict(pinned("constraints.txt"))
    versions, known = dict(versions.keys()), dict(known.keys())
    assert {
        name: version for name, version in versions.items() if name in known and known[name] != version
    } == {}
    project = (ROOT / "pyproject.toml").read_text()
    needed = re.search(r"^dependencies = \[(.*?)^\]", project, re.MULTILINE | re.DOTALL)[1]
    assert set(re.findall(r'"([\w-]+)', needed)) <= versions.keys()


def test_the_page_of_licences_lists_what_is_installed():
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/licences.py"], capture_output=True, text=True, check=True
    )
    page = (ROOT / "docs/licences.md").read_text()

    def names(text):
        return {row.split(" | ")[0] for row in text.splitlines() if row.startswith("| ")}

    assert names(done.stdout) <= names(page), "run python .ci/licences.py > docs/licences.md"
    assert "see its files" not in page
