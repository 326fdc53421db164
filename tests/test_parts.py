"""Parts of a task in threads: the same results in the same order, one thread for each part's operations."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from tweenfield import threads


@pytest.fixture(params=[1, 3])
def several(request):
    """As many threads as the parameter."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_keep_the_order_of_the_items(several):
    def late(k):
        time.sleep(0.01 * (5 - k))
        return k * k

    assert threads.each(late, range(5)) == [0, 1, 4, 9, 16]
    assert threads.each(late, []) == []


def test_operations_of_a_part_have_one_thread_and_those_outside_as_many_as_before(several):
    assert threads.each(lambda _: torch.get_num_threads(), range(6)) == [1] * 6
    assert torch.get_num_threads() == threads.count() == several
    # A thread that is started later begins with what PyTorch was set to, not with the parts' one.
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == several


def test_parts_of_a_part_are_done_by_its_own_thread(several):
    def part(_):
        here = threading.get_ident()
        return all(threads.each(lambda _: threading.get_ident() == here, range(4)))

    assert all(threads.each(part, range(4)))


def test_what_a_part_raises_is_raised(several):
    def failing(k):
        if k == 2:
            raise ValueError("number 2")
        return k

    with pytest.raises(ValueError, match="number 2"):
        threads.each(failing, range(4))


@pytest.mark.parametrize("derived", [True, False])
def test_parts_know_whether_derivatives_are_wanted(several, derived):
    with torch.set_grad_enabled(derived):
        assert threads.each(lambda _: torch.is_grad_enabled(), range(3)) == [derived] * 3


def test_a_task_is_begun_where_there_are_threads_for_it(several):
    begun = threads.begin(lambda item: item + 1, 1)
    assert begun is None if several == 1 else begun.result() == 2
