"""One pass over a stream learns what is learnt of the table in memory, and stores its rows."""

import logging

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from cached_rows import read_rows
from columns_of_every_kind import FRAMES, people
from streams import ClassesLearner, NumbersLearner, blocks_of, numbered, one_pass

from fastmlp.streaming import label_sketch, source_pass
from fastmlp.streaming.sources.opening import open_source
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.training_range import TrainingRange

HEAD = 128  # rows


@pytest.fixture(autouse=True)
def small_head(monkeypatch):
    monkeypatch.setattr(source_pass, "_HEAD_ROWS", HEAD)


def check(frame, folder, *, like=None, **options):
    """Compare a pass with a table in memory, `like` the frame if that is given."""
    whole = frame if like is None else like
    categorical = options.get("categorical_features", "from_dtype")
    encoder, encoded = DenseEncoder.learn(whole, categorical)
    y = numbered(len(whole))
    cache, learnt = one_pass(blocks_of(frame, y), folder, **options)
    assert learnt.encoder.columns == encoder.columns
    np.testing.assert_array_equal(learnt.encoder.feature_names, encoder.feature_names)
    rows = read_rows(cache)
    np.testing.assert_array_equal(rows.y[:, 0], y)
    span = np.nanmax(encoded, axis=0) - np.nanmin(encoded, axis=0)
    assert np.nanmax(np.abs(cache.restored(rows.X) - encoded) / np.where(span, span, 1)) < 1e-6
    np.testing.assert_array_equal(np.isnan(rows.X), np.isnan(encoded))
    ranges = TrainingRange.of_no_rows(encoder.n_numeric).widened(encoded, None)
    np.testing.assert_allclose(learnt.training_range.low, ranges.low, rtol=1e-6)
    np.testing.assert_allclose(learnt.training_range.high, ranges.high, rtol=1e-6)
    assert learnt.training_range.n_rows == len(whole)
    return cache, learnt


@pytest.mark.parametrize("kind", [kind for kind in FRAMES if "object" not in kind])
def test_columns_of_every_kind(kind, tmp_path):
    check(FRAMES[kind](people()), tmp_path)


def test_arrays(tmp_path):
    X = np.random.default_rng(0).normal(size=(300, 5))
    check(X, tmp_path)


def test_objects(tmp_path):
    check(pd.DataFrame(people()).astype(object), tmp_path)


def test_listed_numbers_are_labels(tmp_path):
    frame = pd.DataFrame({"zip": np.arange(300) % 7 + 1000, "x": np.arange(300.0)})
    _, learnt = check(frame, tmp_path, categorical_features=["zip"])
    assert learnt.encoder.listed == {0}


def dates(n_rows, step="36h"):
    return pd.date_range("2020-01-01", periods=n_rows, freq=step)


def test_dates_and_the_periods_that_they_span(tmp_path):
    days = dates(400)
    frame = pd.DataFrame({"typed": days, "text": days.strftime("%d.%m.%Y"), "x": np.arange(400.0)})
    _, learnt = check(frame, tmp_path)
    assert [column.kind for column in learnt.encoder.columns] == ["numeric"] * 3
    assert learnt.encoder.columns[0].reader.periods == ("year", "week", "day")


def test_numbers_and_durations_as_text(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "price": [f"$ {v:,.2f}" for v in rng.uniform(1, 5000, 300)],
            "time": [f"{h}:{m:02d}" for h, m in rng.integers(1, 24, (300, 2))],
        }
    )
    check(frame, tmp_path)


def test_large_numbers_keep_their_digits(tmp_path):
    days = 1e9 + np.arange(300)  # float32 holds every 64th
    cache, _ = check(pd.DataFrame({"stamp": days}), tmp_path)
    np.testing.assert_array_equal(cache.restored(read_rows(cache).X)[:, 0], days)


def test_numbers_too_large_for_their_type_are_an_error(tmp_path):
    column = np.arange(300.0)
    column[250] = 1e60
    frame = pd.DataFrame({"day": dates(300, "1D"), "small": np.arange(300.0), "x": column})
    with pytest.raises(ValueError, match=r"X \(block 4\): column 'x' holds numbers too large"):
        one_pass(blocks_of(frame, numbered(300)), tmp_path)


def test_rows_without_weight_may_hold_any_numbers(tmp_path):
    column, weights = np.arange(300.0), np.ones(300)
    column[250], weights[250] = 1e60, 0
    source = open_source(blocks_of(column[:, None], numbered(300), weight=weights), None)
    for dtype in ("float16", "float32"):
        cache, _ = source_pass.SourcePass(source, "from_dtype", NumbersLearner, 64, 1, dtype).write(
            tmp_path
        )
        assert np.isfinite(read_rows(cache).X).all()


def test_missing_values_that_come_late(tmp_path):
    column = np.arange(300.0)
    column[250:] = np.nan
    check(pd.DataFrame({"x": column, "y": np.arange(300.0)}), tmp_path)


# ---- blocks that contradict earlier ones


def test_text_after_numbers_makes_labels(tmp_path, caplog):
    values = [*range(5)] * 40
    late = values + ["many", "few"] * 5
    frames = [pd.DataFrame({"n": part, "x": 1.0 * np.arange(len(part))}) for part in (values, late)]

    def blocks():
        yield frames[0], numbered(len(values))
        yield frames[1], numbered(len(late))

    with caplog.at_level(logging.WARNING, "fastmlp"):
        _, learnt = one_pass(blocks, tmp_path)
    assert learnt.encoder.columns[0].kind == "category"
    assert set(learnt.encoder.columns[0].categories) == {*range(5), "many", "few"}
    assert "from the start again" in caplog.text


def test_the_first_blocks_may_be_of_different_types(tmp_path):
    numbers = pd.DataFrame({"n": np.arange(10.0), "x": np.arange(10.0)})
    text = numbers.assign(n=["many", "few"] * 5)
    _, learnt = one_pass(lambda: iter([(one, numbered(10)) for one in (numbers, text)]), tmp_path)
    with pytest.warns(UserWarning, match="numbers beside 'many'"):
        whole, _ = DenseEncoder.learn(pd.concat([numbers, text]))
    assert learnt.encoder.columns == whole.columns


def test_a_later_block_tells_the_order_of_dates(tmp_path):
    early = pd.date_range("2020-01-01", periods=12, freq="MS")  # 01/01, 01/02, ...: of what?
    late = pd.date_range("2021-01-13", periods=200, freq="7D")
    text = [*(early.strftime("%d/%m/%Y").tolist() * 12), *late.strftime("%d/%m/%Y")]
    frame = pd.DataFrame({"day": text, "x": np.arange(float(len(text)))})
    _, learnt = check(frame, tmp_path)
    assert learnt.encoder.columns[0].reader.order == "dmy"


def test_a_few_values_that_cannot_be_read_are_missing(tmp_path):
    text = dates(400, "1D").strftime("%Y-%m-%d").tolist()
    text[300:310] = ["soon"] * 10  # more than a twentieth of their block, not of all rows
    frame = pd.DataFrame({"day": text, "x": np.arange(400.0)})
    _, learnt = check(frame, tmp_path)
    assert learnt.encoder.columns[0].missing


def test_labels_that_turn_out_to_be_numbers(tmp_path):
    early = ["$ 1.50", "$ 2.50"] * (HEAD // 2)
    late = [f"$ {v:,.2f}" for v in np.random.default_rng(0).uniform(1, 5000, 300)]
    frame = pd.DataFrame({"price": [*early, *late]})
    _, learnt = check(frame, tmp_path)
    assert learnt.encoder.columns[0].kind == "numeric"


def test_of_very_many_labels_the_frequent_ones_are_categories(tmp_path, monkeypatch):
    monkeypatch.setattr(label_sketch, "MOST_EXACT", 100)
    names = [f"user {k}" for k in np.random.default_rng(0).zipf(1.5, 3000)]
    frame = pd.DataFrame({"name": names})
    with pytest.warns(UserWarning, match=r"X: column 'name' has about .* different values"):
        cache, learnt = one_pass(blocks_of(frame, numbered(3000)), tmp_path)
    [column] = learnt.encoder.columns
    assert "user 1" in column.categories
    codes = read_rows(cache).X[:, 0]
    assert len({*codes[np.array(names) == "user 1"]} - {0}) == 1
    assert column.rare > 0


# ---- rows


def test_any_number_of_threads_and_any_blocks_write_the_same_rows(tmp_path):
    frame = pa.table(people())
    written = []
    for threads, rows in ((1, 64), (3, 64), (2, 50)):
        folder = tmp_path / f"{threads} {rows}"
        folder.mkdir()
        X = blocks_of(frame, numbered(200), rows=rows)
        cache, _ = one_pass(X, folder, n_threads=threads)
        written.append(cache.path.read_bytes())
    assert written[0] == written[1]
    assert len({*written}) <= 2  # shift and scale are those of the first rows


def test_equal_rows_have_equal_hashes_and_others_spread(tmp_path):
    X = np.random.default_rng(0).normal(size=(1000, 3))
    y = numbered(1000) % 7
    cache, _ = one_pass(blocks_of(np.vstack([X, X]), np.append(y, y)), tmp_path)
    hashes = read_rows(cache).hashes
    np.testing.assert_array_equal(hashes[:1000], hashes[1000:])
    folds = np.bincount((hashes[:1000].astype(np.uint64) * 5 >> 32).astype(int), minlength=5)
    assert folds.min() > 150


def test_groups_are_of_a_size_whatever_the_blocks(tmp_path):
    X = np.zeros((40_000, 1))
    cache, _ = one_pass(blocks_of(X, numbered(40_000), rows=7000), tmp_path, rows=7000)
    assert [group.n_rows for group in cache.groups] == [2**14, 2**14, 40_000 - 2**15]


def test_weights(tmp_path):
    weight = np.arange(200) % 3
    X = np.arange(200.0)[:, None]
    X[0] = 1000  # a row without weight
    cache, learnt = one_pass(blocks_of(X, numbered(200), weight=weight), tmp_path)
    np.testing.assert_array_equal(read_rows(cache).weights, weight)
    assert learnt.training_range.high[0] == 199
    assert learnt.training_range.n_rows == np.count_nonzero(weight)


# ---- targets


def test_numbers_have_their_exact_mean_deviation_and_range(tmp_path):
    rng = np.random.default_rng(0)
    y, weight = 1e6 + rng.normal(size=500), rng.random(500)
    _, learnt = one_pass(blocks_of(np.zeros((500, 1)), y, weight=weight), tmp_path)
    targets = learnt.targets
    weight = weight.astype(np.float32)
    mean = np.average(y, weights=weight)
    np.testing.assert_allclose(targets.mean, mean, rtol=1e-12)
    deviation = np.sqrt(np.average((y - mean) ** 2, weights=weight))
    np.testing.assert_allclose(targets.deviation, deviation, rtol=1e-6)
    assert (targets.low, targets.high) == (y.min(), y.max())


def test_classes_are_numbered_as_they_come(tmp_path):
    y = np.array([["b", "a", "a", "c"][k % 4] for k in range(200)], dtype=object)
    cache, learnt = one_pass(blocks_of(np.zeros((200, 1)), y), tmp_path, targets=ClassesLearner)
    assert learnt.targets.labels.tolist() == ["b", "a", "c"]
    assert learnt.targets.weights.tolist() == [50, 100, 50]
    np.testing.assert_array_equal(learnt.targets.labels[read_rows(cache).y[:, 0]], y)


# ---- errors


def frame_with(**changes):
    return pd.DataFrame({"x": np.arange(200.0), "name": ["a", "b"] * 100} | changes)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (frame_with(x=np.inf), r"X \(block 2\) contains infinity .*'x'"),
        (frame_with().rename(columns={"x": "z"}), r"X \(block 2\).* has no column 'x'"),
        (frame_with(z=1), r"X \(block 2\).* has a column 'z' beside them"),
        (frame_with()[["name", "x"]], r"X \(block 2\).* has 'name' where they have 'x'"),
        (np.zeros((200, 2)), r"X \(block 2\).* has no column 'x'"),
        (frame_with()[["name"]], r"X \(block 2\) must have the columns of the first"),
    ],
)
@pytest.mark.parametrize("n_before", [200, 100], ids=["after the head", "in the head"])
def test_errors_name_block_and_column(later, expected, n_before, tmp_path):
    def blocks():
        yield frame_with()[:n_before], numbered(n_before)
        yield later, numbered(200)

    with pytest.raises(ValueError, match=expected):
        one_pass(blocks, tmp_path, rows=200)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (np.full(200, np.nan), r"X \(block 2\): y must hold finite"),
        (np.zeros((200, 2)), r"X \(block 2\): y must have 1 columns"),
        (np.zeros(100), r"X \(block 2\): y must have 200 rows"),
    ],
)
def test_errors_of_targets_name_the_block(second, expected, tmp_path):
    def blocks():
        yield frame_with(), numbered(200)
        yield frame_with(), second

    with pytest.raises(ValueError, match=expected):
        one_pass(blocks, tmp_path, rows=200)


def test_free_text_is_refused_early(tmp_path):
    words = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do"
    frame = pd.DataFrame({"note": [f"{k} {words}" for k in range(200)]})
    with pytest.raises(ValueError, match="column 'note' holds free text"):
        one_pass(blocks_of(frame, numbered(200)), tmp_path)


def test_no_rows(tmp_path):
    with pytest.raises(ValueError, match="X has no rows"):
        one_pass(lambda: iter(()), tmp_path)


def test_an_exception_in_the_source_is_the_users(tmp_path):
    def blocks():
        yield frame_with(), numbered(200)
        raise RuntimeError("the connection was lost")

    with pytest.raises(RuntimeError, match="the connection was lost"):
        one_pass(blocks, tmp_path, targets=NumbersLearner)
