"""Rows of any form and with any values are read by predictors as tables are by models."""

from collections import Counter, OrderedDict, defaultdict, namedtuple
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from predicted_rows import FRAME, NUMBER, N, X, rows_of
from tiny_models import tiny

from fastmlp import Regressor, _core


@pytest.mark.parametrize("gap", [None, np.nan])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.int16, bool])
def test_arrays_of_every_type(dtype, gap):
    table = (3 * X).astype(dtype)
    if gap is not None:
        table = table.astype(float)
        table[0, 0] = gap
    model = tiny(Regressor).fit(table, NUMBER)
    predictor, expected = model.predictor(), model.predict(table)
    reversed_rows = table[:, ::-1].copy()
    swapped = table.astype(table.dtype.newbyteorder())
    assert [predictor.predict(row) for row in table] == expected.tolist()
    assert [predictor.predict(row[::-1]) for row in reversed_rows] == expected.tolist()
    assert [predictor.predict(row) for row in swapped] == model.predict(swapped).tolist()
    assert [predictor.predict(np.asfortranarray(table)[i]) for i in range(N)] == expected.tolist()
    np.testing.assert_allclose([predictor.predict(row.tolist()) for row in table], expected, 1e-5)


def test_values_that_are_not_plain_are_read_as_the_model_reads_them(model, predictor):
    first = rows_of(FRAME)[0]
    for changes in (
        {"town": "elsewhere"},  # not seen in training
        {"town": None},
        {"size": None, "grade": pd.NA},
        {"size": np.float32(0.5), "rooms": np.int32(3), "grade": np.int64(2)},
        {"rooms": True, "same": "y"},
        {"town": np.str_("b"), "size": 10**400 // 10**399},
    ):
        row = first | changes
        frame = pd.DataFrame([row]).astype({"size": float, "rooms": float, "grade": object})
        assert predictor.predict(row) == model.predict(frame)[0]
    for changes, error, message in (
        ({"size": "large"}, ValueError, "'size' was numeric in training; got 'large'"),
        ({"size": "1.5"}, ValueError, "'size' was numeric in training; got '1.5'"),
        ({"size": np.inf}, ValueError, "infinity"),
        ({"size": 10**400}, ValueError, "infinity"),
        ({"town": 3}, ValueError, "'town' held text in training; got numbers"),
        ({"town": ["a"]}, TypeError, "'town' holds nested values"),
    ):
        with pytest.raises(error, match=message):
            predictor.predict(first | changes)


def test_subclasses_of_dicts_and_tuples_are_rows_too(model, predictor):
    first = rows_of(FRAME)[0]
    expected = model.predict(FRAME)[0]
    in_core = predictor._row.predict
    for row in (OrderedDict(first), defaultdict(int, first), Counter(first)):
        assert predictor.predict(row) == in_core(row) == expected
    named = namedtuple("named", first)(**first)
    assert predictor.predict(named) == in_core(named) == expected
    for kind in (np.longlong, np.uint16, np.uint32):
        row = first | {"size": np.float16(0.5), "town": np.str_("b"), "rooms": kind(3)}
        plain = first | {"size": 0.5, "town": "b", "rooms": 3}
        assert predictor.predict(row) == in_core(row) == predictor.predict(plain)
    assert predictor.predict(first | {"rooms": np.True_}) == predictor.predict(first | {"rooms": 1})

    class Doubled(dict):
        def __getitem__(self, key):
            value = super().__getitem__(key)
            return 2 * value if key == "rooms" else value

    class Negative(tuple):
        __slots__ = ()

        def __getitem__(self, key):
            return -super().__getitem__(key)

    assert in_core(Doubled(first)) is in_core(Negative(first.values())) is None
    doubled = first | {"rooms": 2 * first["rooms"]}
    assert predictor.predict([Doubled(first)])[0] == predictor.predict(doubled)


def test_a_series_is_read_as_a_frame(model, predictor):
    """By name, and without numbers that are written as text."""
    series = FRAME.iloc[0]
    text = pd.Series({**series, "size": "1.5"})
    for row in (text, text[::-1], [text], text.to_dict()):
        with pytest.raises(ValueError, match=r"'size' was numeric in training; got '1\.5'"):
            predictor.predict(row)
    many = [FRAME.iloc[0], FRAME.iloc[1][::-1], rows_of(FRAME)[2]]
    np.testing.assert_array_equal(predictor.predict(many), model.predict(FRAME[:3]))
    nameless = tiny(Regressor).fit(X, NUMBER).predictor()
    rows = pd.DataFrame(X[:2])
    found = nameless.predict([row for _, row in rows.iterrows()])
    np.testing.assert_array_equal(found, nameless.predict(X[:2]))


def test_a_series_is_read_by_name_whatever_series_came_before():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    predictor = tiny(Regressor).fit(frame, NUMBER).predictor()
    row, expected = frame.iloc[0], predictor.predict(X[0])
    turned = row[["b", "c", "a"]]
    same = pd.Series(X[0], ["a", "b", "c"])
    for series in (row, turned, row.astype(object), turned.astype(object), same, row):
        assert predictor.predict(series) == expected
    for wrong in (row.rename({"a": "other"}), row[:2]):
        with pytest.raises(ValueError, match="feature names should match"):
            predictor.predict(wrong)
    assert predictor.predict(row) == expected


def test_what_is_not_used_is_looked_at_all_the_same(predictor):
    first = rows_of(FRAME)[0]
    expected = predictor.predict(first)
    for plain in (None, "other", True, 3, 0.5, np.nan):
        assert predictor._row.predict(first | {"same": plain}) == expected
    for other in (np.inf, ["x"], {}, object(), b"x", 10**400):
        assert predictor._row.predict(first | {"same": other}) is None
    table = np.column_stack([X, np.full(N, np.nan)])
    model = tiny(Regressor).fit(table, NUMBER)
    for rows in ([0.0, 0.0, 0.0, np.inf], [[0.0, 0.0, 0.0, np.inf]]):
        with pytest.raises(ValueError, match="infinity"):
            model.predictor().predict(rows)


@pytest.mark.parametrize("rows", [[np.array(1.0), 0.2, 0.3], (np.array(1.0), 0.2, np.float16(0.5))])
def test_arrays_without_a_dimension_are_values(rows):
    predictor = tiny(Regressor).fit(X, NUMBER).predictor()
    assert predictor.predict(rows) == predictor.predict([float(value) for value in rows])


class Stopped(BaseException):
    """As KeyboardInterrupt, which comes at any time."""


class Key:
    """Has the hash of a text, and runs code when it is compared."""

    def __init__(self, text, action):
        self.text, self.action = text, action

    def __hash__(self):
        return hash(self.text)

    def __eq__(self, other):
        self.action()
        return self is other


def test_labels_that_run_code_are_left_to_the_encoder():
    row = []
    key = Key("z", row.clear)  # frees the row's values while they are compared
    table = np.empty((N, 2), dtype=object)
    table[:, 0], table[:, 1] = [key, "a", "b"] * (N // 3), NUMBER
    predictor = tiny(Regressor).fit(table, NUMBER).predictor()
    assert predictor._row is None
    expected = predictor.predict(["elsewhere", 1.0])
    row[:] = ["z", 1.0]
    assert predictor.predict(row) == expected
    table[:, 0] = [np.str_("z"), np.True_, 2] * (N // 3)
    model = tiny(Regressor).fit(table, NUMBER)
    predictor = model.predictor()
    assert predictor._row is not None
    for label in ("z", np.str_("z"), True, np.True_, 2, np.int8(2), 2.0):
        cell = np.empty((1, 2), dtype=object)
        cell[0] = [label, 0.5]
        assert predictor.predict([label, 0.5]) == model.predict(cell)[0]


def test_what_is_raised_while_a_row_is_read_is_not_lost(predictor):
    def stop():
        raise Stopped

    first = rows_of(FRAME)[0]
    del first["town"]
    with pytest.raises(Stopped):
        predictor.predict(first | {Key("town", stop): "a"})


def test_row_readers_have_dicts_of_codes():
    column = (0, -1, ["a"], 0.0, True)
    with pytest.raises(ValueError, match="must have a dict of codes"):
        _core.RowReader(None, [column], 1, (), True)
    with pytest.raises(ValueError, match="encoded must not be negative"):
        _core.RowReader(None, [], -1, (), True)


def test_dates_are_read_as_the_model_reads_them():
    days = pd.date_range("2024-01-01", periods=N, freq="9D")
    frame = FRAME[["size"]].assign(day=days, text=days.strftime("%d.%m.%Y"))
    model = tiny(Regressor, early_stopping=False).fit(frame, NUMBER)
    predictor = model.predictor()
    row = {"size": 0.5, "day": datetime(2024, 3, 2), "text": "02.03.2024"}
    assert predictor.predict(row) == model.predict(pd.DataFrame([row]))[0]


def test_wrong_columns_are_named(predictor):
    first = rows_of(FRAME)[0]
    with pytest.raises(ValueError, match=r"now missing:\n- town"):
        predictor.predict({name: first[name] for name in first if name != "town"})
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- colour"):
        predictor.predict(first | {"colour": "red"})
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- Town\n.*missing:\n- town"):
        predictor.predict({name.replace("town", "Town"): first[name] for name in first})
    with pytest.raises(ValueError, match="rows has 5 features, but there were 6"):
        predictor.predict(list(first.values())[:5])
    with pytest.raises(ValueError, match="feature names should match"):
        predictor.predict(FRAME.rename(columns={"town": "Town"}))
    for empty in ([], {}, np.empty((0, 6)), FRAME[:0]):
        with pytest.raises(ValueError, match=r"minimum of 1|0 sample|now missing|Expected 2D"):
            predictor.predict(empty)
    nameless = tiny(Regressor).fit(X, NUMBER).predictor()
    with pytest.raises(ValueError, match="in the order of the columns"):
        nameless.predict({"x0": 1.0, "x1": 2.0, "x2": 3.0})
    with pytest.raises(ValueError, match="rows has 4 features, but there were 3"):
        nameless.predict(np.zeros(4))
