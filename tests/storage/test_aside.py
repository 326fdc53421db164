"""A consumer in a thread gets every item in order, and an error of either side ends both."""

import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import pytest

from tweenfield.storage import aside as aside_module
from tweenfield.storage.aside import Meanwhile, aside


def test_the_consumer_has_all_items_in_order_in_another_thread():
    threads = set()

    def consume(items):
        threads.add(threading.current_thread())
        return list(items)

    assert aside(consume, range(50)) == list(range(50))
    assert aside(consume, []) == []
    assert threading.current_thread() not in threads


def test_few_items_wait():
    made, most = [], []

    def consume(items):
        for k in items:
            most.append(len(made) - k)

    aside(consume, (made.append(k) or k for k in range(50)), waiting=2)
    # This one, two that wait, and one that was made and found no place.
    assert max(most) <= 4


def test_an_error_of_the_consumer_ends_the_items():
    made = []

    def consume(items):
        next(items)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        aside(consume, (made.append(k) or k for k in iter(int, 1)))
    assert len(made) < 1_000_000


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_of_the_items_reaches_the_consumer_and_is_raised(error):
    cleaned = []

    def items():
        yield 1
        raise error

    def consume(ready):
        try:
            return list(ready)
        finally:
            cleaned.append(True)

    with pytest.raises(error):
        aside(consume, items())
    assert cleaned == [True]


class Interrupted(ThreadPoolExecutor):
    """Ctrl-C comes once the thread works and before anybody knows of it."""

    def submit(self, *arguments):
        super().submit(*arguments)
        raise KeyboardInterrupt


class InterruptedQueue(Queue):
    """Ctrl-C comes while the end is handed over."""

    def put(self, item, *arguments, **keywords):
        if type(item) is object:
            raise KeyboardInterrupt
        super().put(item, *arguments, **keywords)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("name", "interrupted"), [("ThreadPoolExecutor", Interrupted), ("Queue", InterruptedQueue)]
)
def test_ctrl_c_leaves_nobody_waiting_whenever_it_comes(monkeypatch, name, interrupted):
    monkeypatch.setattr(aside_module, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        aside(list, range(5))


def test_what_is_found_meanwhile_is_had_when_it_is_asked_for():
    told = threading.Event()
    found = Meanwhile(lambda: told.wait(30) and 5)
    found.check()  # nothing was raised so far
    told.set()
    assert found() == 5 and found() == 5
    found.check()


def test_what_is_raised_meanwhile_is_raised_by_whoever_asks():
    def fails():
        raise ValueError("wrong")

    found = Meanwhile(fails)
    with pytest.raises(ValueError, match="wrong"):
        found()
    with pytest.raises(ValueError, match="wrong"):
        found.check()
