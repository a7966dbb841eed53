"""What sites tell of their columns, and what is made of it."""

import pickle

import numpy as np
import pandas as pd
import pytest

from fastmlp.federated import LocalSite
from fastmlp.federated.sketch import LabelSketch, MergedTable, NumberSketch
from fastmlp.table.encoder import DenseEncoder

DAYS = pd.Timestamp("2024-01-31") + pd.to_timedelta(np.arange(0, 900, 3), unit="D")


def frame(n_rows=300, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.gamma(3.0, 10.0, n_rows),
            "visits": rng.integers(0, 4, n_rows),
            "ward": rng.choice(["a", "b", "c"], n_rows, p=[0.5, 0.3, 0.2]),
            "smokes": rng.choice([True, False], n_rows),
            "admitted": DAYS[:n_rows],
        }
    )
    table.loc[::7, "age"] = np.nan
    return table


def split(table, y, n_sites=3):
    return [LocalSite(table.iloc[k::n_sites], y[k::n_sites]) for k in range(n_sites)]


def merged(sites, *, classifies=False, n_rows=1000):
    sketches = [site.sketch("from_dtype", classifies=classifies) for site in sites]
    return MergedTable.of(sketches, n_rows, np.random.RandomState(0))


def test_merged_columns_are_those_of_all_rows_together():
    table, y = frame(), np.arange(300.0)
    encoder, encoded = DenseEncoder.learn(table)
    found = merged(split(table, y))
    assert found.encoder.columns == encoder.columns
    assert found.n_rows == 300
    assert found.rows.shape == (1000, encoded.shape[1])
    np.testing.assert_array_equal(np.nanmin(found.rows, axis=0), np.nanmin(encoded, axis=0))
    np.testing.assert_array_equal(np.nanmax(found.rows, axis=0), np.nanmax(encoded, axis=0))
    quartiles, expected = (
        np.nanquantile(rows, [0.25, 0.5, 0.75], axis=0) for rows in (found.rows, encoded)
    )
    spread = np.nanmax(encoded, axis=0) - np.nanmin(encoded, axis=0)
    assert np.all(np.abs(quartiles - expected) <= 0.1 * spread + 1e-9)
    assert np.isnan(found.rows[:, 0]).mean() == pytest.approx(43 / 300, abs=0.002)
    np.testing.assert_array_equal(np.isnan(found.rows[:, 0]), found.rows[:, -3] == 1)
    assert (found.y.min(), found.y.max()) == (0, 299)
    assert np.median(found.y) == pytest.approx(150, abs=10)


def test_whole_numbers_stay_whole():
    rows = merged(split(frame(), np.arange(300.0))).rows
    assert set(rows[:, 1]) == {0, 1, 2, 3}


def test_quantiles_of_several_sites_are_as_exact_as_those_of_one():
    rng = np.random.default_rng(0)
    parts = [rng.normal(k, 1 + k, size=200 * (k + 1)) for k in range(4)]
    numbers = NumberSketch.merged([NumberSketch.of(part) for part in parts]).rows(4000)
    together = np.sort(np.concatenate(parts))
    for share in np.linspace(0, 1, 41):
        rank = np.searchsorted(together, np.quantile(numbers, share)) / together.size
        assert abs(rank - share) <= 1 / 32


@pytest.mark.parametrize("n_rows", [4, 10, 1000])
def test_labels_are_drawn_by_their_counts(n_rows):
    drawn = LabelSketch({"a": 900, "b": 99, "c": 1}, n_missing=100).rows(n_rows)
    assert len(drawn) == n_rows
    assert set(drawn) == {"a", "b", "c", None}
    if n_rows == 1000:
        assert drawn.count("b") == pytest.approx(90, abs=1)


def test_what_only_some_sites_have_is_known_to_all():
    first = pd.DataFrame({"ward": ["a", "b"] * 10, "age": np.arange(20.0)})
    second = pd.DataFrame({"ward": ["c"] * 20, "age": [np.nan] * 20})
    y = np.arange(20.0)
    encoder = merged([LocalSite(first, y), LocalSite(second, y)]).encoder
    ward, age = encoder.columns
    assert (ward.kind, set(ward.categories)) == ("category", {"a", "b", "c"})
    assert (age.kind, age.missing) == ("numeric", True)


def test_a_column_that_is_empty_everywhere_is_constant():
    table = pd.DataFrame({"age": np.arange(20.0), "empty": [np.nan] * 20})
    encoder = merged(split(table, np.arange(20.0), 2)).encoder
    assert [column.kind for column in encoder.columns] == ["numeric", "constant"]


def test_classes_are_those_of_all_sites():
    X = np.arange(60.0)[:, None]
    sites = [LocalSite(X[:30], ["no"] * 30), LocalSite(X[30:], ["maybe", "yes"] * 15)]
    y = merged(sites, classifies=True).y
    assert sorted(set(y)) == ["maybe", "no", "yes"]
    assert np.mean(y == "no") == pytest.approx(0.5, abs=0.01)


def test_a_sketch_is_small_however_many_rows_there_are():
    X = np.random.default_rng(0).normal(size=(20_000, 4))
    sketch = LocalSite(X, X[:, 0]).sketch("from_dtype", classifies=False)
    assert len(pickle.dumps(sketch)) < 6000
    for column in sketch.columns:
        assert column.numbers[0].values.size == 33


def test_labels_of_any_number_of_rows_are_merged_in_little_memory():
    site = LabelSketch({"a": 10**12, "b": 10**11, "rare": 1}, n_missing=10**12)
    column = LabelSketch.merged([site, site]).column("ward")
    assert set(column.codes) == {"a", "b", "rare", None}
    assert column.kind == "category"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="age"), "all sites must have the same columns; site 0 has"),
        (lambda t: t.rename(columns={"age": "years"}), "the same columns"),
        (lambda t: t.assign(age="old"), "'age' holds numbers at site 0 and labels at site 1"),
        (
            lambda t: t.assign(admitted=1.0),
            "'admitted' holds date, .* at site 0 and numbers at site 1",
        ),
    ],
)
def test_sites_that_differ_are_an_error(change, message):
    table, y = frame(), np.arange(300.0)
    with pytest.raises(ValueError, match=message):
        merged([LocalSite(table, y), LocalSite(change(table), y)])


def test_outputs_that_differ_are_an_error():
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20.0)
    with pytest.raises(ValueError, match="the same outputs of y"):
        merged([LocalSite(X, y), LocalSite(X, np.column_stack([y, y]))])
