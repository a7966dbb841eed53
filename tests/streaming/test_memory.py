"""Sizes of memory, and how a limit is shared out."""

import pytest
from streams import one_pass  # noqa: F401  skips without the extra

from fastmlp.streaming.memory import MemoryPlan, size_in_bytes


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (2**30, 2**30),
        ("1GB", 10**9),
        ("1.5 gb", 1_500_000_000),
        ("500MB", 500_000_000),
        ("512MiB", 2**29),
        ("100000k", 10**8),
        ("200000000", 2 * 10**8),
    ],
)
def test_sizes(given, size):
    assert size_in_bytes(given) == size


@pytest.mark.parametrize("given", ["", "GB", "1XB", "-1GB", 1.5e9, None, True, "1TiB2"])
def test_what_is_no_size(given):
    with pytest.raises(ValueError, match="max_memory must be a whole number of bytes"):
        size_in_bytes(given)


@pytest.mark.parametrize("n_columns", [1, 10, 100, 10_000])
def test_parts_are_less_than_the_whole(n_columns):
    plan = MemoryPlan(10**9)
    sample = 4 * n_columns * plan.sample_rows(n_columns, 2**18)
    assert plan.of_windows + sample < 0.7 * plan.size
    assert 8 * n_columns * plan.block_rows(n_columns) < 0.05 * plan.size
