"""The precision of matrix products is one for all threads, and what it was once nobody needs another."""

import pytest
import torch

from tweenfield.fitting.precision import matrix_precision


@pytest.mark.parametrize("others", ["high", "medium", "highest"])
def test_blocks_that_overlap_as_those_of_two_threads_leave_it_as_it_was(others):
    before = torch.get_float32_matmul_precision()
    first, second = matrix_precision("high"), matrix_precision(others)
    first.__enter__()
    second.__enter__()
    assert torch.get_float32_matmul_precision() == others
    first.__exit__(None, None, None)
    assert torch.get_float32_matmul_precision() == others
    second.__exit__(None, None, None)
    assert torch.get_float32_matmul_precision() == before
