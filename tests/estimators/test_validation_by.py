"""`groups`, `time` and `cv` of `fit`: which rows validate networks, and what follows from that."""

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit
from tiny_models import FOLDS, TINY, both, folds_of, outputs, same_weights, target, weights_of

from fastmlp import Classifier, Regressor, load

N_ROWS = 60
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 3))
Y = X[:, 0] + 0.1 * RNG.normal(size=N_ROWS)
GROUPS = np.repeat(list("abcdefghij"), 6)
TIME = RNG.permutation(N_ROWS)


def held_out(y=Y, **arguments):
    """The rows that each validated network holds out."""
    seen = []

    def metric(y_true, y_pred):
        seen.append(np.flatnonzero(np.isin(y, y_true)))
        return 0.0

    options = FOLDS | {"max_iter": 1, "n_jobs": 1, "eval_metric": metric}
    Regressor(**options).fit(X, y, **arguments)
    return seen


# ---- groups


def test_no_group_is_in_two_folds():
    folds = held_out(groups=GROUPS)
    assert len(folds) == 4
    np.testing.assert_array_equal(np.sort(np.concatenate(folds)), np.arange(N_ROWS))
    of_groups = [set(GROUPS[rows]) for rows in folds]
    assert sum(map(len, of_groups)) == 10


def test_out_of_fold_predictions_are_of_networks_that_saw_no_row_of_the_group():
    options = FOLDS | {"standardize": False, "dtype": "float64"}
    model = Regressor(**options).fit(X, Y, groups=GROUPS)
    for network, rows in zip(model.networks_, held_out(groups=GROUPS), strict=True):
        expected = network.forward(X[rows])[:, 0].clip(Y.min(), Y.max())
        np.testing.assert_allclose(model.oof_prediction_[rows], expected)


@pytest.mark.parametrize(
    "groups",
    [
        list(GROUPS),
        pd.Series(GROUPS),
        pl.Series(GROUPS),
        GROUPS[:, None],
        pd.DataFrame({"patient": GROUPS}),
        pl.DataFrame({"patient": GROUPS}),
    ],
    ids=lambda groups: f"{type(groups).__module__}.{type(groups).__name__}",
)
def test_labels_of_groups_come_in_any_container(groups):
    expected = [rows.tolist() for rows in held_out(groups=GROUPS)]
    assert [rows.tolist() for rows in held_out(groups=groups)] == expected


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_column_of_the_table_tells_the_groups(frame):
    numbers = np.repeat(np.random.default_rng(1).permutation(10), 6)
    table = frame({"a": X[:, 0], "b": X[:, 1], "site": numbers, "patient": GROUPS})
    options = FOLDS | {"max_iter": 2}
    by_name = Regressor(**options).fit(table, Y, groups="site")
    assert same_weights(by_name, Regressor(**options).fit(table, Y, groups=numbers))
    by_cv = Regressor(**options).fit(table, Y, groups="site", cv=GroupKFold(4))
    assert same_weights(by_cv, Regressor(**options).fit(table, Y, groups=numbers, cv=GroupKFold(4)))
    with pytest.warns(UserWarning, match="'patient' is an input too, .*drop.columns='patient'"):
        Regressor(**options).fit(table, Y, groups="patient")
    numbered = frame({"a": X[:, 0], "customer_id": numbers})
    with pytest.warns(UserWarning, match="'customer_id' is an input too"):
        Regressor(**options).fit(numbered, Y, groups="customer_id")
    with pytest.raises(ValueError, match=r"groups='z' is not a column of X, which has \['a', 'b'"):
        Regressor(**options).fit(table, Y, groups="z")


def test_a_class_of_one_group_alone_is_lacking_where_that_is_held_out():
    labels = np.where(Y > 0, "high", "low")
    labels[:2] = "rare"
    with pytest.warns(UserWarning, match="1 of 4 networks are trained without one of the classes"):
        model = Classifier(**FOLDS).fit(X, labels, groups=GROUPS)
    assert model.oof_proba_.shape == (N_ROWS, 3)
    in_two = labels.copy()
    in_two[-2:] = "rare"
    Classifier(**FOLDS).fit(X, in_two, groups=GROUPS)
    with pytest.warns(UserWarning, match="1 of 4 networks are trained without one of the classes"):
        Classifier(**FOLDS).fit(X, np.column_stack([in_two, labels]), groups=GROUPS)
    some = np.where(np.arange(N_ROWS) % 5 == 3, None, in_two)
    Classifier(**FOLDS).fit(X, np.column_stack([in_two, some]), groups=GROUPS)
    without_weight = np.where(labels == "rare", 0.0, 1.0)
    Classifier(**FOLDS).fit(X, labels, without_weight, groups=GROUPS)


def test_a_class_of_later_rows_alone_is_lacking_before():
    labels = np.where(Y > 0, "high", "low")
    labels[-4:] = "new"
    for n, arguments in ((2, {"time": np.arange(N_ROWS)}), (3, {"cv": TimeSeriesSplit(3)})):
        with pytest.warns(UserWarning, match=f"{n} of {n} validated networks are .* without one"):
            Classifier(**FOLDS).fit(X, labels, **arguments)


def test_two_times_have_one_window_and_no_out_of_fold_predictions():
    model = Regressor(**FOLDS).fit(X, Y, time=TIME > 40)
    with pytest.raises(AttributeError, match=r"with `time` .* only if there are two windows"):
        model.oof_prediction_  # noqa: B018


def test_one_network_holds_out_whole_groups():
    model = Regressor(**TINY, n_estimators=1, preset="plain", validation_fraction=0.2)
    seen = []
    model.set_params(eval_metric=lambda t, p: seen.append(t) or 0.0).fit(X, Y, groups=GROUPS)
    rows = np.isin(Y, seen[0])
    assert set(GROUPS[rows]).isdisjoint(GROUPS[~rows])
    assert rows.sum() == 12


def test_a_warm_start_with_the_same_groups_goes_on_honestly():
    model = Regressor(**FOLDS, warm_start=True).fit(X, Y, groups=GROUPS)
    model.fit(X, Y, groups=GROUPS)
    assert hasattr(model, "oof_prediction_")
    model.fit(X, Y)  # other folds: rows that were trained on
    assert not hasattr(model, "oof_prediction_")


# ---- time


def test_rows_that_come_later_validate():
    for rows in held_out(time=TIME)[:3]:
        assert TIME[rows].max() - TIME[rows].min() == rows.size - 1
    assert TIME[held_out(time=TIME)[0]].max() == N_ROWS - 1


def test_most_rows_of_one_time_are_trained_on():
    time = np.searchsorted([10, 45], np.arange(N_ROWS), "right")
    np.testing.assert_array_equal(held_out(time=time)[0], np.arange(45, N_ROWS))


DAYS = np.datetime64("2024-02-25") + TIME.astype("timedelta64[D]")


@pytest.mark.parametrize(
    "time",
    [
        TIME.tolist(),
        TIME / 7,
        DAYS,
        pd.Series(DAYS),
        pd.DatetimeIndex(DAYS),
        pl.Series(DAYS),
        [day.astype(datetime.date) for day in DAYS],
        pd.DataFrame({"day": DAYS}),
        pl.DataFrame({"day": DAYS}),
        DAYS.astype(str),
    ],
    ids=lambda time: type(time).__name__,
)
def test_times_are_dates_or_numbers(time):
    expected = [rows.tolist() for rows in held_out(time=TIME)]
    assert [rows.tolist() for rows in held_out(time=time)] == expected


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (["soon", "n/a", *DAYS.astype(str)[2:]], "in every row; got 'soon' in row 0"),
        (["n/a", None, *DAYS.astype(str)[2:]], f"it is missing in 2 of {Y.size}. Drop these rows"),
        (np.where(TIME < 1, np.datetime64("NaT"), DAYS), "it is missing in "),
        ([0.0, np.inf, *TIME[2:]], "time must be finite in every row; it is infinite in row 1"),
    ],
    ids=["unread", "missing", "NaT", "infinite"],
)
def test_every_row_needs_a_time(time, message):
    with pytest.raises(ValueError, match=message):
        Regressor(**FOLDS).fit(X, Y, time=time)


def test_a_column_of_the_table_tells_the_time():
    frame = pd.DataFrame(X, columns=list("abc")).assign(day=DAYS)
    with_gaps = frame.assign(day=frame["day"].where(TIME > 0))
    options = FOLDS | {"max_iter": 2}
    by_name = Regressor(**options).fit(frame, Y, time="day")
    assert same_weights(by_name, Regressor(**options).fit(frame, Y, time=DAYS))
    assert np.isnan(by_name.oof_prediction_[TIME < 15]).all()
    n_gaps = (TIME <= 0).sum()
    with pytest.raises(ValueError, match=f"in any row; it is missing in {n_gaps} of {Y.size}"):
        Regressor(**options).fit(with_gaps, Y, time="day")
    with pytest.raises(
        ValueError, match=r"time='z' is not a column of X, which has \['a', 'b', 'c'"
    ):
        Regressor(**options).fit(frame, Y, time="z")


@both
def test_the_networks_of_the_model_are_trained_on_all_rows(estimator, tmp_path):
    records = []
    options = {"max_iter": 6, "random_state": 0, "hidden_layer_sizes": 8, "n_estimators": 10}
    model = estimator(**options, compute_importances=True)
    model.fit(X, target(estimator, Y), time=TIME, callbacks=records.append)
    validated = {r.network for r in records if not np.isnan(r.validation_loss)}
    final = {r.network for r in records if np.isnan(r.validation_loss)}
    assert validated == {*range(6)}  # three windows for each of two kinds
    assert final == {6 + k for k in range(len(model.networks_))}
    assert model.best_iteration_ is None
    assert model.estimator_weights_.sum() == pytest.approx(1)
    known = model.oof_prediction_ if estimator is Regressor else model.oof_proba_[:, 0]
    np.testing.assert_array_equal(np.isnan(known), TIME < 24)
    assert model.feature_importances_.argmax() == 0
    assert model._model.fingerprint is None
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(outputs(load(tmp_path / "model"), X), outputs(model, X))


def test_final_networks_are_trained_for_the_epochs_that_were_best():
    """Noise is fitted by heart: the first epochs are the best."""
    noise, records = RNG.normal(size=N_ROWS), []
    options = {"max_iter": 40, "random_state": 0, "n_estimators": 2, "hidden_layer_sizes": 32}
    model = Regressor(**options).fit(X, noise, time=TIME, callbacks=records.append)
    curves = [[r.validation_loss for r in records if r.network == network] for network in (0, 1)]
    best = [int(np.argmin(curve)) + 1 for curve in curves]
    assert model.n_iter_ == round(np.median(best))
    assert model.n_iter_ < 20


def test_what_chose_the_epochs_is_recorded(tmp_path):
    seen = {}

    def record(epoch):
        seen.setdefault(epoch.epoch, []).append(epoch.evals)

    options = FOLDS | {"eval_metric": ["r2", "neg_mean_absolute_error"]}
    model = Regressor(**options).fit(X, Y, time=TIME, callbacks=record, eval_set=[("all", X, Y)])
    for measure in ("loss", *options["eval_metric"]):
        expected = [
            np.mean([evals["validation"][measure] for evals in of_epoch if "validation" in evals])
            for epoch, of_epoch in sorted(seen.items())
        ]
        curve = model.evals_result_["validation"][measure]
        np.testing.assert_allclose(curve, expected)
        assert len(model.evals_result_["all"][measure]) == model.n_iter_
    assert model.validation_curve_ == model.evals_result_["validation"]["loss"]
    assert model.metric_curve_ == model.evals_result_["validation"]["r2"]
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").evals_result_ == model.evals_result_
    longer = model.n_iter_
    model.set_params(warm_start=True).fit(X, Y, X_val=X, y_val=Y)
    assert len(model.metric_curve_) == longer + options["max_iter"]


def test_a_single_network_is_trained_again_on_all_rows():
    model = Regressor(**TINY | {"n_estimators": 1}, preset="plain").fit(X, Y, time=TIME)
    assert not hasattr(model, "oof_prediction_")
    assert len(model.networks_) == 1
    assert model.predict_interval(X[:2], coverage=0.7).shape == (2, 2)


def test_ctrl_c_before_the_final_networks_keeps_the_validated_ones():
    def interrupt(record):
        if np.isnan(record.validation_loss):
            raise KeyboardInterrupt

    model = Regressor(**FOLDS)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, Y, time=TIME, callbacks=interrupt)
    assert np.isfinite(model.predict(X)).all()


def test_a_time_limit_is_shared_by_validated_and_final_networks():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Regressor(random_state=0, time_limit=0.1, max_iter=100_000).fit(X, Y, time=TIME)
    assert model.best_iteration_ is None


def test_training_goes_on_after_a_fit_by_time():
    model = Regressor(**FOLDS).fit(X, Y, time=TIME)
    model.partial_fit(X, Y)
    model.set_params(warm_start=True).fit(X, Y)
    assert not hasattr(model, "oof_prediction_")
    with pytest.raises(
        ValueError, match="time, and cv whose splits leave rows out, cannot be used"
    ):
        model.fit(X, Y, time=TIME)


# ---- cv


@pytest.mark.parametrize("how", ["splitter", "pairs", "masks", "generator"])
def test_parts_are_those_of_the_splitter(how):
    pairs = [*GroupKFold(4).split(X, Y, GROUPS)]
    masks = [tuple(np.isin(np.arange(N_ROWS), rows) for rows in pair) for pair in pairs]
    arguments = {
        "splitter": {"cv": GroupKFold(4), "groups": GROUPS},
        "pairs": {"cv": pairs},
        "masks": {"cv": masks},
        "generator": {"cv": KFold(4).split(X)},
    }[how]
    expected = [*KFold(4).split(X)] if how == "generator" else pairs
    found = held_out(**arguments)
    for rows, (_, test) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(rows, np.sort(test))


def test_parts_that_leave_rows_out_lead_to_networks_on_all_rows():
    model = Regressor(**FOLDS).fit(X, Y, cv=TimeSeriesSplit(3))
    assert len(model.networks_) == 4
    np.testing.assert_array_equal(np.isnan(model.oof_prediction_), np.arange(N_ROWS) < 15)


def test_a_single_pair():
    model = Regressor(**FOLDS).fit(X, Y, cv=[(np.arange(48), np.arange(48, N_ROWS))])
    np.testing.assert_array_equal(np.isnan(model.oof_prediction_), np.arange(N_ROWS) < 48)


def test_kinds_of_networks_take_turns_in_rounds_of_the_given_folds():
    model = Regressor(max_iter=2, random_state=0, n_estimators=6, hidden_layer_sizes=4)
    model.fit(X, Y, cv=KFold(3))
    kinds = [member.recipe.spec.kind for member in model._model.members]
    assert kinds == ["periodic"] * 3 + ["piecewise"] * 3


# ---- errors, and what goes together


PAIR = (np.arange(30), np.arange(30, 60))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"groups": "patient"},
            ValueError,
            "groups='patient' is not a column of X, which has no nam",
        ),
        ({"groups": 0}, TypeError, r"groups must hold the label of each row.*; got 0.* X\[:, 0\]"),
        ({"groups": GROUPS[:-1]}, ValueError, "groups must hold a label for each of the 60 rows"),
        ({"groups": np.where(TIME > 0, 1.0, np.nan)}, ValueError, "some are missing"),
        ({"groups": np.zeros(N_ROWS)}, ValueError, "at least two different labels; got 0.0 alone"),
        ({"groups": GROUPS, "time": TIME}, ValueError, "groups must be None if time is given"),
        ({"groups": GROUPS, "X_val": X, "y_val": Y}, ValueError, "X_val must be None if groups"),
        ({"groups": GROUPS, "cv": [PAIR]}, ValueError, "groups must be None if cv holds pairs"),
        ({"time": TIME[:-1]}, ValueError, "time must have a value for each of 60 rows; got 59"),
        ({"time": np.zeros(N_ROWS)}, ValueError, "time must hold at least two different times"),
        ({"time": GROUPS}, TypeError, r"time must hold numbers or dates; got \['"),
        ({"time": ["x"] * N_ROWS}, TypeError, "time must hold numbers or dates; got labels"),
        ({"time": "day"}, ValueError, "time='day' is not a column of X, which has no names"),
        ({"time": True}, TypeError, "time must hold the time of each row.*; got True"),
        ({"time": 0}, TypeError, r"time must hold .*; got 0.* X\[:, 0\]"),
        ({"cv": PAIR}, ValueError, r"cv: pair 0 .*\.\.\..* single pair is cv=\[\(train, test\)\]"),
        ({"cv": 5}, TypeError, "cv must be a splitter such as .*GroupKFold.*; got 5"),
        ({"time": X[:, :2]}, ValueError, "time must be one column; got 2"),
        ({"cv": KFold}, TypeError, "cv must be a splitter such as .*; got <class .*KFold"),
        ({"cv": [(np.arange(9.0), [1])]}, ValueError, r"got an array of shape \(9,\) and type flo"),
        ({"cv": "time"}, TypeError, "cv must be a splitter such as .*; got 'time'"),
        ({"cv": []}, ValueError, "cv must have at least one pair"),
        ({"cv": [(PAIR[0],)]}, ValueError, "cv: pair 0 must be two arrays of row numbers"),
        ({"cv": [PAIR, (PAIR[0], PAIR[0])]}, ValueError, "cv: pair 1 has row 0 in both arrays"),
        ({"cv": [(PAIR[0], [60])]}, ValueError, "cv: pair 0: test must be numbers of rows of X"),
        ({"cv": [([0, 0], [1])]}, ValueError, "cv: pair 0: train has a row more than once"),
        ({"cv": [([], [1])]}, ValueError, "cv: pair 0: train must be an array of row numbers"),
        ({"cv": GroupKFold(4)}, ValueError, "The 'groups' parameter should not be None"),
    ],
)
def test_arguments_are_checked_and_a_failed_call_changes_nothing(arguments, error, message):
    model = Regressor(**FOLDS).fit(X, Y)
    before = weights_of(model)
    with pytest.raises(error, match=message):
        model.fit(X, Y, **arguments)
    np.testing.assert_array_equal(weights_of(model)[0], before[0])


def test_parameters_that_hold_out_no_rows_are_refused():
    with pytest.raises(ValueError, match="groups needs early_stopping=True"):
        Regressor(**TINY, early_stopping=False).fit(X, Y, groups=GROUPS)
    with pytest.raises(ValueError, match="time needs at least 10 rows to hold some out; X has 8"):
        Regressor(**TINY).fit(X[:8], Y[:8], time=TIME[:8])


def test_a_linear_part_would_tell_of_later_rows():
    with pytest.raises(ValueError, match="extrapolation must be 'clip' with time"):
        Regressor(**TINY, extrapolation="linear").fit(X, Y, time=TIME)
    by_group = Regressor(**FOLDS, extrapolation="linear").fit(X, Y, groups=GROUPS)
    assert np.isfinite(by_group.oof_prediction_).all()


def test_sparse_rows_and_weights():
    weights = RNG.uniform(0.5, 1, size=N_ROWS)
    for arguments in ({"groups": GROUPS}, {"time": TIME}, {"cv": KFold(3)}):
        model = Regressor(**FOLDS).fit(csr_array(X), Y, weights, **arguments)
        assert np.isfinite(model.oof_prediction_).sum() >= 30
    with pytest.raises(ValueError, match="time='day' is not a column of X"):
        Regressor(**FOLDS).fit(csr_array(X), Y, time="day")


def test_intervals_are_learnt_from_the_rows_that_validate():
    by_time = Regressor(**FOLDS).fit(X, Y, time=TIME)
    width = np.diff(by_time.predict_interval(X, coverage=0.8), axis=1)
    assert (width > 0).all()
    assert folds_of(Regressor, X, Y)  # and nothing else has changed
