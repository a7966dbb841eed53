"""LabelSketch: exact for few labels, bounded for many, the same from parts that are merged."""

import numpy as np
import pytest
from streams import one_pass  # noqa: F401  skips without the extra

from fastmlp.streaming import label_sketch
from fastmlp.streaming.label_sketch import LabelSketch
from fastmlp.streaming.row_cache import FIRST, MISSING, RARE


def add(sketch, labels, n_missing=0):
    known, counts = np.unique(labels, return_counts=True)
    return dict(zip(known.tolist(), sketch.add(known.tolist(), counts, n_missing), strict=False))


def counts_of(sketch):
    return dict(zip(sketch.labels, sketch.counts.tolist(), strict=True))


def test_few_labels_are_counted_exactly():
    sketch = LabelSketch()
    assert add(sketch, ["b", "a", "a"], n_missing=2) == {"a": FIRST, "b": FIRST + 1}
    assert add(sketch, ["c", "a"]) == {"a": FIRST, "c": FIRST + 2}
    assert sketch.is_exact
    assert counts_of(sketch) == {"a": 3, "b": 1, "c": 1}
    assert (sketch.n_rows, sketch.n_missing, sketch.n_distinct) == (7, 2, 3)


def test_the_last_code_is_that_of_missing_values():
    assert LabelSketch().add(["a"], np.array([1]), 0).tolist() == [FIRST, MISSING]


@pytest.fixture
def few_exact(monkeypatch):
    monkeypatch.setattr(label_sketch, "MOST_EXACT", 50)


def skewed(seed=0, n_rows=20_000):
    """Labels of which some are frequent, and most occur once."""
    rng = np.random.default_rng(seed)
    return [f"user {k}" for k in rng.zipf(1.3, n_rows) % 1_000_000]


@pytest.mark.usefixtures("few_exact")
def test_of_many_labels_the_frequent_ones_have_codes():
    sketch, labels = LabelSketch(), skewed()
    for start in range(0, len(labels), 1000):
        codes = add(sketch, labels[start : start + 1000])
    assert not sketch.is_exact
    assert codes["user 1"] >= FIRST
    assert RARE in codes.values()
    known, counts = np.unique(labels, return_counts=True)
    most = known[np.argsort(-counts)[:20]]
    assert {*most} <= {*sketch.labels}
    exact, found = dict(zip(known, counts, strict=True)), counts_of(sketch)
    error = 5.4e-5 * len(labels)
    assert all(abs(found[label] - exact[label]) <= error + 1 for label in most)
    assert abs(sketch.n_distinct / known.size - 1) < 0.03


@pytest.mark.usefixtures("few_exact")
def test_merged_parts_count_as_the_whole():
    whole, parts = LabelSketch(), [LabelSketch(), LabelSketch()]
    for part, seed in zip(parts, (0, 1), strict=True):
        labels = skewed(seed)
        for start in range(0, len(labels), 1000):
            add(part, labels[start : start + 1000])
            add(whole, labels[start : start + 1000])
    merged = LabelSketch()
    for part in parts:
        merged.merge(part)
    assert merged.n_rows == whole.n_rows
    assert abs(merged.n_distinct / whole.n_distinct - 1) < 0.02
    counts, expected = counts_of(merged), counts_of(whole)
    for label in sorted(expected, key=expected.get)[-20:]:
        assert abs(counts[label] - expected[label]) <= 5.4e-5 * whole.n_rows + 1


def test_exact_parts_are_merged_exactly():
    one, other = LabelSketch(), LabelSketch()
    add(one, ["a", "a", "b"])
    add(other, ["b", "c"], n_missing=1)
    one.merge(other)
    assert counts_of(one) == {"a": 2, "b": 2, "c": 1}
    assert one.n_missing == 1
