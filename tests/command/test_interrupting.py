"""Ctrl-C and SIGTERM at moments at which Python can't raise them."""

import ctypes
import signal
import time

import pytest
from command.running import fails, tweenfield

from tweenfield.command import app as app_module


@pytest.mark.parametrize(
    ("number", "status", "name"), [(signal.SIGINT, 1, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_within_a_callback_of_c_it_is_not_lost(monkeypatch, number, status, name):
    called_by_c = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(number))

    def command(prog_name):
        called_by_c()
        time.sleep(20)

    monkeypatch.setattr(app_module, "app", command)
    fails(tweenfield("info"), status, f"stopped by {name}")
