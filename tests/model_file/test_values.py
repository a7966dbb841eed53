"""Values of Python in a document: written and read they are equal, and of the same types."""

import json
import pickle
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from math import inf, nan

import numpy as np
import pandas as pd
import pytest
from safetensors import SafetensorError
from saved_models import EVERY_COLUMN, NUMBER, saved

from fastmlp import Regressor
from fastmlp.model_file.draft import Draft, NotStorable
from fastmlp.model_file.fields import WrongKind
from fastmlp.model_file.tensors import Tensors
from fastmlp.model_file.values import Values, written_seed, written_value

SAME = [
    *(None, True, False, 0, 1, -1, 2**70, -(2**70), 0.1, -0.0, 1e300, 5e-324, inf, -inf),
    *("", "text", "ü\n\U0001f600", "\ud800", "inf", b"", b"\x00\xff"),
    *(set(), {1, 2, None}, [{"a"}, {(1, b"x")}]),
    *((), (1, "a", (None,)), [1, [2.0, "x"]], {}, {"a": 1, 2: (3,), None: [b"4"]}),
    *(Decimal("0.1"), Decimal("1E+400"), Fraction(1, 3), uuid.UUID(int=5)),
    *(date(2020, 2, 29), datetime(2020, 2, 29, 1, 2, 3, 4), time(23, 59, 1)),
    datetime(2020, 2, 29, tzinfo=timezone(timedelta(hours=2))),
    *(timedelta(days=-3, microseconds=7), timedelta.max),
    *(np.datetime64("2020-02-29"), np.datetime64("2020-02-29T01:02:03.004005006")),
    *(np.timedelta64(7, "h"), np.timedelta64(-7, "ns")),
    *(pd.Interval(0, 1), pd.Interval(0.5, 1.5, closed="both")),
    pd.Interval(pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01"), closed="left"),
    pd.Interval(pd.Timestamp(0), pd.Timestamp(1)),
    pd.Interval(pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2021-01-01", tz="UTC")),
    pd.Interval(pd.Timedelta(-3, "s"), pd.Timedelta(1, "D")),
    *(pd.Timestamp(1), pd.Timestamp(-1, tz="UTC"), pd.Timedelta(7)),
]
CONVERTED = [
    *((np.int8(3), 3), (np.bool_(True), True), (np.float32(0.1), float(np.float32(0.1)))),
    *((np.float64(0.1), 0.1), (np.str_("a"), "a"), (np.bytes_(b"a"), b"a")),
    *((np.array([1, 2]), [1, 2]), (np.array(0.5), 0.5), (np.array([[1.5], [2.5]]), [[1.5], [2.5]])),
    *((range(3), [0, 1, 2]), (pd.Index(["a", "b"]), ["a", "b"])),
    (pd.Timestamp("2020-02-29 01:00"), datetime(2020, 2, 29, 1)),
    (pd.Timedelta("3 days 1 s"), timedelta(days=3, seconds=1)),
    (pd.Timestamp(1, tz="Europe/Berlin"), pd.Timestamp(1, tz="UTC")),
    (
        pd.Interval(*(pd.Timestamp(f"2020-{m}", tz="Europe/Berlin") for m in ("03-01", "06-01"))),
        pd.Interval(*(pd.Timestamp(t, tz="UTC") for t in ("2020-02-29 23:00", "2020-05-31 22:00"))),
    ),
]


def again(value):
    draft = Draft()
    text = json.dumps(written_value(value, draft), allow_nan=False)
    return Values(Tensors(draft.tensors)).value(json.loads(text))


@pytest.mark.parametrize("value", SAME, ids=repr)
def test_same_value(value):
    found = again(value)
    assert type(found) is type(value)
    assert found == value
    assert repr(found) == repr(value)  # the types inside, and the sign of 0


def test_nan():
    assert np.isnan(again(nan))
    with pytest.raises(WrongKind, match="a label that is not NaN"):
        Values(Tensors({})).label({"type": "float", "value": "nan"})


@pytest.mark.parametrize(("value", "expected"), CONVERTED, ids=repr)
def test_scalars_of_libraries_become_pythons(value, expected):
    found = again(value)
    if isinstance(value, np.generic | np.ndarray | pd.Timestamp | pd.Interval):
        draft = Draft(takes_objects=True)  # a pickle keeps the type
        written = written_value(value, draft)
        assert Values(Tensors(draft.tensors), tuple(draft.objects)).value(written) is value
    assert type(found) is type(expected)
    assert found == expected
    if not isinstance(value, np.ndarray | range | pd.Index):
        assert hash(found) == hash(value)


def test_generators_go_on_with_the_same_numbers():
    generator = np.random.RandomState(7)
    generator.normal(size=3)  # one is kept for the next call
    draft = Draft()
    text = json.dumps(written_seed(generator, draft))
    found = Values(Tensors(draft.tensors)).seed(json.loads(text))
    np.testing.assert_array_equal(found.normal(size=700), generator.normal(size=700))


class Colour(str, Enum):
    RED = "red"


OTHERS = [
    *(print, lambda: 0, object(), Colour.RED, frozenset({1}), 1j),
    np.random.RandomState(np.random.PCG64()),
]


@pytest.mark.parametrize("value", OTHERS, ids=lambda value: type(value).__name__)
def test_others_cannot_be_stored(value):
    with pytest.raises(NotStorable, match=f"a model file cannot hold {type(value).__name__}"):
        written_value([value], Draft())
    draft = Draft(takes_objects=True)  # of a pickle
    written = written_value(value, draft)
    assert Values(Tensors({}), tuple(draft.objects)).value(written) is value


WRONG_BY_TYPE = {
    "eval": ["1"],
    "date": ["2020-02-30", 5, None],
    "bytes": ["0g"],
    "decimal": ["one"],
    "fraction": [[1, 0], "1e999999999"],
    "timedelta": [2**80, "1"],
    "datetime64": [[1, "weeks", 1], [2**64, "D", 1]],
    "mapping": [[[1]], [[[], 1]], [[i * (2**61 - 1), 0] for i in range(1000)]],
    "interval": [[2, 1, "left"], ["a", 1, "left"], [1, 2, "up"]],
    "pandas_timestamp": [[1, "ns"], [2**64, "s", False], [2**62, "s", False], [-(2**63), "ns", 1]],
    "pandas_timedelta": [[1, "D"], 5, [-(2**63), "ns"]],
    "random_state": [["key", 0, 0, 0]],
    "object": [0, -1, True],
    "float": ["infinity"],
    "tuple": ["ab"],
    "set": ["ab", [[]], [i * (2**61 - 1) for i in range(1000)]],
}
WRONG = [
    *({"type": name, "value": value} for name, values in WRONG_BY_TYPE.items() for value in values),
    *({"type": ["date"], "value": "2020-01-01"}, {"type": "date"}, {"value": 1}, {}, inf),
]


@pytest.mark.parametrize("written", WRONG, ids=repr)
def test_what_is_no_value(written):
    with pytest.raises(WrongKind):
        Values(Tensors({})).value(written)


def test_more_text_than_a_file_may_have(model, monkeypatch):
    def save(arrays, metadata):
        raise SafetensorError("Error while serializing: HeaderTooLarge")

    monkeypatch.setattr("safetensors.numpy.save", save)
    for write in (saved, pickle.dumps):  # pickles hold the same bytes
        with pytest.raises(TypeError, match=r"cannot hold .* of JSON, such as .* 100,000,000"):
            write(model)


def test_a_column_with_labels_of_unknown_classes(tmp_path):
    class Label:
        def __repr__(self):
            return "Label()"

    labels = [Label(), Label(), Label()]
    frame = EVERY_COLUMN[["number"]].assign(what=[labels[i % 3] for i in range(len(NUMBER))])
    mine = Regressor(preset="plain", hidden_layer_sizes=2, max_iter=1).fit(frame, NUMBER)
    with pytest.raises(TypeError, match=r"hold Label, Label\(\), a category of column 'what'"):
        mine.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
