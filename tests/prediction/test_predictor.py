"""A predictor's answers are those of its model, to the last bit, for one row and for many."""

import ast
import json
import pickle
import subprocess
import sys
from collections import Counter, OrderedDict, defaultdict, namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from tiny_models import tiny

import fastmlp
from fastmlp import (
    Classifier,
    ExtrapolationWarning,
    Predictor,
    Regressor,
    _core,
    load_predictor,
    networks,
)
from fastmlp.neural_network import MLPClassifier, MLPRegressor
from fastmlp.prediction.compiled import compiled_rows
from fastmlp.table.row_reader import row_reader

RNG = np.random.default_rng(0)
N = 60
X = RNG.standard_normal((N, 3))
NUMBER = X[:, 0] - X[:, 1]
FRAME = pd.DataFrame(
    {
        "size": np.where(X[:, 0] > 1, np.nan, X[:, 1]),  # some are missing
        "town": RNG.choice(["a", "b", "c", "d"], N),
        "sold": RNG.choice(["yes", "no"], N),
        "rooms": RNG.integers(1, 9, N),
        "grade": pd.Categorical(RNG.choice([1, 2, 3], N)),
        "same": "x",
    }
)
CLASSES = np.array(["few", "more", "many"])[np.digitize(NUMBER, [-0.5, 0.5])]
MANY_CLASSES = np.arange(N) % 9
LABELS = (X > 0).astype(int)


@pytest.fixture(scope="module")
def model():
    return tiny(Regressor).fit(FRAME, NUMBER)


@pytest.fixture(scope="module")
def predictor(model):
    return model.predictor()


def rows_of(frame):
    return frame.to_dict("records")


def test_rows_by_name_in_their_order_or_many_at_once(model, predictor):
    expected = model.predict(FRAME)
    one_by_one = [predictor.predict(row) for row in rows_of(FRAME)]
    assert [type(number) for number in one_by_one] == [float] * N
    assert one_by_one == expected.tolist()
    shuffled = [dict(reversed(row.items())) for row in rows_of(FRAME)]
    assert [predictor.predict(row) for row in shuffled] == one_by_one
    assert [predictor.predict(list(row.values())) for row in rows_of(FRAME)] == one_by_one
    assert [predictor.predict(tuple(row.values())) for row in rows_of(FRAME)] == one_by_one
    assert [predictor.predict(row) for row in FRAME.to_numpy(dtype=object)] == one_by_one
    assert [predictor.predict(row) for _, row in FRAME.iterrows()] == one_by_one
    assert [predictor.predict(row[::-1]) for _, row in FRAME.iterrows()] == one_by_one
    assert predictor.predict(MappingProxyType(rows_of(FRAME)[0])) == one_by_one[0]
    for many in (FRAME, pl.from_pandas(FRAME), rows_of(FRAME), FRAME.to_numpy(dtype=object)):
        np.testing.assert_array_equal(predictor.predict(many), expected)
    lists = FRAME.to_numpy(dtype=object).tolist()
    np.testing.assert_array_equal(predictor.predict(lists), expected)


@pytest.mark.parametrize("y", [CLASSES, MANY_CLASSES, NUMBER > 0, LABELS, LABELS[:, :2]])
@pytest.mark.parametrize("calibrate", [False, True])
def test_labels_and_probabilities(y, calibrate):
    model = tiny(Classifier, calibrate=calibrate).fit(FRAME, y)
    predictor = model.predictor()
    labels, probabilities = model.predict(FRAME), model.predict_proba(FRAME)
    np.testing.assert_array_equal(predictor.predict(FRAME), labels)
    np.testing.assert_array_equal(predictor.predict_proba(FRAME), probabilities)
    for row, label, own in zip(rows_of(FRAME), labels, probabilities, strict=True):
        found = predictor.predict(row)
        assert (found == label).all() if labels.ndim == 2 else found == label
        assert isinstance(found, str | bool | int | np.ndarray)
        np.testing.assert_array_equal(predictor.predict_proba(row), own)
    np.testing.assert_array_equal(predictor.classes_, predictor._pipeline.decoder.classes)


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}, NUMBER),
        ({"loss": "poisson"}, np.abs(NUMBER)),
        ({"extrapolation": "linear"}, NUMBER),
        ({"extrapolation": "linear"}, X[:, :2]),
        ({"dtype": "float64"}, X[:, :2]),
        ({"preset": "plain"}, NUMBER),
    ],
)
def test_numbers_of_every_kind(options, y):
    model = tiny(Regressor, **options).fit(FRAME, y)
    predictor, expected = model.predictor(), model.predict(FRAME)
    np.testing.assert_array_equal([predictor.predict(row) for row in rows_of(FRAME)], expected)
    np.testing.assert_array_equal(predictor.predict(FRAME), expected)
    with pytest.raises(AttributeError, match="for classifiers"):
        predictor.predict_proba(FRAME)
    assert predictor.classes_ is None


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


def test_close_labels_are_those_of_many_rows():
    """Labels of one row are decided by the probabilities, where the last bits decide too."""
    for outputs, bias in ((2, 0.0), (3, 0.0), (9, 1e-17)):
        y = np.arange(N) % outputs
        for calibrate in (False, True):
            model = tiny(Classifier, dtype="float64", calibrate=calibrate).fit(X, y)
            for parameter in model.networks_[0].parameters:
                parameter[...] = 0
            model.networks_[0].parameters[-1][-1] = bias
            predictor, expected = model.predictor(), model.predict(X)
            assert [predictor.predict(row) for row in X] == expected.tolist()
            assert [predictor.predict(row.tolist()) for row in X] == expected.tolist()


@pytest.mark.parametrize(
    "decoding",
    [
        _core.NumberDecoding([1.0] * 3, [0.0] * 3, [], [], False, True),
        _core.NumberDecoding([1.0, 2.0], [0.0], [], [], False, False),
        _core.NumberDecoding([], [], [], [], False, False),
        _core.NumberDecoding([1.0], [0.0], [1.0], [], False, False),
        _core.ClassDecoding((1,), False),
        _core.ClassDecoding((0, 1), True),
    ],
)
def test_decodings_fit_the_outputs(decoding):
    predictor = tiny(Regressor).fit(X, X).predictor()
    reader = row_reader(predictor._pipeline.encoder)
    with pytest.raises(ValueError, match="decoding must be made for 3 outputs"):
        _core.RowPredictorF32(predictor._networks, reader, decoding)


def test_row_readers_have_dicts_of_codes():
    column = (0, -1, ["a"], 0.0, True)
    with pytest.raises(ValueError, match="must have a dict of codes"):
        _core.RowReader(None, [column], 1, (), True)
    with pytest.raises(ValueError, match="encoded must not be negative"):
        _core.RowReader(None, [], -1, (), True)


def test_limits_that_move_are_unknown_without_a_linear_part():
    predictor = tiny(Regressor).fit(X, NUMBER).predictor()
    pipeline = predictor._pipeline
    decoder = replace(pipeline.decoder, moves=True, lowest=np.zeros(1), highest=np.zeros(1))
    rows = compiled_rows(predictor._networks, row_reader(pipeline.encoder), decoder)
    assert rows.predict(X[0]) == decoder.decode(predictor._networks.predict(X[:1], 1))[0] != 0


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


def test_any_number_of_threads_gives_the_same_bits(model):
    many = pd.concat([FRAME] * 50)
    expected = model.predict(many)
    for n_jobs in (1, 2, 3):
        found = pickle.loads(pickle.dumps(model.predictor(n_jobs=n_jobs))).predict(many)
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="n_jobs must be a number of threads"):
        model.predictor(n_jobs=0)


def test_it_knows_its_columns(predictor):
    assert predictor.n_features_in_ == 6
    assert predictor.feature_names_in_.tolist() == FRAME.columns.tolist()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learns_models_too():
    regressor = MLPRegressor(hidden_layer_sizes=5, max_iter=3, random_state=0).fit(X, NUMBER)
    predictor = regressor.predictor()
    np.testing.assert_allclose(predictor.predict(X), regressor.predict(X), 1e-12, 1e-15)
    assert predictor.predict(X[0]) == predictor.predict(X)[0]
    for gap in ([np.nan, 0.0, 0.0], [None, 0.0, 0.0], np.full(3, np.nan), X * np.nan):
        with pytest.raises(ValueError, match="NaN"):
            predictor.predict(gap)
    classifier = MLPClassifier(hidden_layer_sizes=5, max_iter=3, random_state=0).fit(X, CLASSES)
    predictor = classifier.predictor()
    np.testing.assert_allclose(predictor.predict_proba(X), classifier.predict_proba(X), 1e-12)
    assert predictor.predict(X[0]) == classifier.predict(X[:1])[0]


def test_sparse_rows():
    rows = csr_array(np.where(np.abs(X) > 1, X, 0))
    model = tiny(Regressor).fit(rows, NUMBER)
    predictor, expected = model.predictor(), model.predict(rows)
    np.testing.assert_array_equal(predictor.predict(rows), expected)
    np.testing.assert_array_equal(predictor.predict(rows.toarray()), expected)
    assert predictor.predict(rows.toarray()[3]) == expected[3]


def test_many_rows_beyond_the_training_range_are_warned_of_once(predictor):
    beyond = FRAME.assign(rooms=1000)
    with pytest.warns(ExtrapolationWarning, match="'rooms'"):
        predictor.predict(beyond)
    predictor.predict(beyond)
    predictor.predict(rows_of(beyond)[0])


def test_a_predictor_does_not_follow_its_model():
    model = MLPRegressor(hidden_layer_sizes=5, solver="sgd", random_state=0).partial_fit(X, NUMBER)
    predictor = model.predictor()
    before = predictor.predict(X)
    model.coefs_[0][...] = 0
    model.partial_fit(X, NUMBER)
    np.testing.assert_array_equal(predictor.predict(X), before)


def test_predictors_are_loaded_from_model_files(model, predictor, tmp_path):
    model.save(tmp_path / "model.safetensors")
    loaded = load_predictor(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(FRAME), predictor.predict(FRAME))
    assert loaded.predict(rows_of(FRAME)[0]) == predictor.predict(rows_of(FRAME)[0])


def test_predictors_can_be_pickled(predictor):
    copy = pickle.loads(pickle.dumps(predictor))
    assert isinstance(copy, Predictor)
    np.testing.assert_array_equal(copy.predict(FRAME), predictor.predict(FRAME))


def test_sixteen_threads_get_the_answers_of_one(predictor):
    rows = rows_of(FRAME)
    expected, of_frame = [predictor.predict(row) for row in rows], predictor.predict(FRAME)

    def answers(_: int) -> bool:
        same = all([predictor.predict(row) for row in rows] == expected for _ in range(20))
        return same and np.array_equal(predictor.predict(FRAME), of_frame)

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(answers, range(32)))


def test_predictors_of_different_sizes_take_turns_in_a_thread(predictor):
    other = tiny(Regressor, hidden_layer_sizes=(300, 7)).fit(X, NUMBER).predictor()
    row, expected = rows_of(FRAME)[0], other.predict(X[0])
    alone = predictor.predict(row)
    for _ in range(3):
        assert np.isfinite(other.predict([np.nan] * 3))
        assert predictor.predict(row) == alone
        assert other.predict(X[0]) == expected


HEAVY = ("sklearn", "scipy", "pandas", "narwhals", "joblib", "tqdm", "fractions", "uuid")


def loaded_by(code: str) -> str:
    """Which of the modules that take a while to import a new process has loaded after this code."""
    code += f"\nimport sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_package_loads_nothing_before_it_is_needed(tmp_path, model):
    assert loaded_by("import fastmlp; assert 'Regressor' in dir(fastmlp)") == "[]"
    file = tmp_path / "model.safetensors"
    model.save(file)
    row = json.loads(json.dumps(rows_of(FRAME)[0]))
    code = (
        f"from fastmlp import load_predictor; predictor = load_predictor({str(file)!r})\n"
        f"row = {row!r}\n"
        "number = predictor.predict(row)\n"
        "assert predictor.predict([row] * 2).tolist() == [number] * 2\n"
        "assert predictor.predict(row | {'town': 'elsewhere'}) != number"
    )
    assert loaded_by(code) == "[]"


def test_names_of_the_package_are_found_when_they_are_asked_for():
    for package in (fastmlp, networks):
        assert {*dir(package)} >= {*package.__all__, "__file__"}
        assert dir(package) is not package.__all__
        assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="'fastmlp' has no attribute 'nothing'"):
        fastmlp.nothing  # noqa: B018
    with pytest.raises(AttributeError, match=r"'fastmlp' has no attribute '_nothing'"):
        fastmlp._nothing  # noqa: B018


def test_modules_of_the_package_are_found_when_they_are_asked_for(forked):
    code = (
        "import fastmlp\n"
        "assert not hasattr(fastmlp, 'nothing')\n"
        "assert fastmlp.prediction.__name__ == 'fastmlp.prediction'\n"
        "assert fastmlp.networks.layers.Dense is fastmlp.Dense"
    )
    assert loaded_by(code) == "[]"
    for name in ("networks.network.Network", "estimators.Regressor"):
        done = forked(f"import fastmlp; assert fastmlp.{name} is fastmlp.{name.split('.')[-1]}")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", [fastmlp, networks])
def test_names_stand_in_three_places_that_agree(package):
    """For tools that read the source, for `from ... import *`, and where they are defined."""
    tree = ast.parse(Path(package.__file__).read_text())
    checked = {
        name.name: node.module
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    (found,) = (
        ast.literal_eval(call.args[1])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "lazily"
    )
    assert found == checked
    assert sorted(package.__all__) == package.__all__
    assert {*package.__all__} >= {*found}
    assert package is networks or {*package.__all__} == {*found}
