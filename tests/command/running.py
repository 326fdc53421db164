"""The command in this process or in one of its own, and what its failures look like."""

import io
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

from tweenfield.command.app import main


def command(*arguments):
    return [sys.executable, "-c", "from tweenfield.command.app import main; main()", *map(str, arguments)]


def tweenfield(*arguments):
    """The command in this process, which spares starting Python each time."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["tweenfield", *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as stop:
        return subprocess.CompletedProcess(arguments, stop.code or 0, out.getvalue(), err.getvalue())
    finally:
        sys.argv = before
    return subprocess.CompletedProcess(arguments, 0, out.getvalue(), err.getvalue())


def with_little_disk(*arguments):
    """The command in a process of its own that may write no file longer than 2000 bytes."""
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (2000, 2000))
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=120, check=False, preexec_fn=limit
    )


def fails(result, status, *parts):
    """One sentence on stderr that holds ``parts``, nothing on stdout, the right exit status."""
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("tweenfield: ")]
    assert len(lines) == 1 and not result.stdout
    for part in parts:
        assert part in lines[0]


def interrupted(*arguments, wait_for, by=signal.SIGINT, **settings):
    """Start, wait until something is true, press Ctrl-C, and return what came of it."""
    with subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings
    ) as process:
        deadline = time.monotonic() + 60
        while not wait_for(process) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(by)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def burning(process):
    """Whether the process has used eight seconds of processor time: it is fitting by then."""
    used = Path(f"/proc/{process.pid}/stat").read_text().split()
    return (int(used[13]) + int(used[14])) / os.sysconf("SC_CLK_TCK") > 8
