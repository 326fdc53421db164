"""Work that is shared out among threads: each item once, without autograd, one thread for operations."""

import threading

import pytest
import torch

from tweenfield.threads import shared_out


@pytest.fixture(params=[1, 2, 4])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_each_item_is_worked_on_once(threads, count):
    seen = []
    shared_out(seen.extend, list(range(count)))
    assert sorted(seen) == list(range(count))


def test_each_thread_has_one_for_itself_and_the_caller_keeps_its_own(threads):
    inside = []
    shared_out(lambda items: inside.append(torch.get_num_threads()), list(range(8)))
    assert inside == [1] * threads
    assert torch.get_num_threads() == threads
    # So has a thread that begins afterwards.
    after = []
    thread = threading.Thread(target=lambda: after.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert after == [threads]


def test_nothing_is_recorded_for_a_backward_pass(threads):
    leaf, found = torch.ones(3, requires_grad=True), []
    shared_out(lambda items: found.extend(2 * leaf for _ in items), list(range(4)))
    assert [x.requires_grad for x in found] == [False] * 4


def test_what_a_thread_raises_is_raised(threads):
    def work(items):
        if 2 in items:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shared_out(work, [0, 1, 2, 3])
