"""Several columns of labels: one class for each output."""

import io
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.model_selection import KFold, cross_val_score
from sklearn.utils.multiclass import type_of_target
from tiny_models import tiny
from uniform_table import UNSEEN, X, classifier

import fastmlp
from fastmlp import Classifier


def labels_of(table):
    size = np.array(["small", "middle", "large"])[np.digitize(table[:, 0], [-0.3, 0.3])]
    return np.column_stack([size, np.where(table[:, 1] > 0, "up", "down")])


Y, TRUTH = labels_of(X), labels_of(UNSEEN)
SMALL = X[:120], Y[:120]


@pytest.fixture(scope="module")
def model():
    return classifier(Y)


@pytest.fixture(scope="module")
def small():
    return tiny(Classifier, n_estimators=2, calibrate=True).fit(*SMALL)


def test_each_column_has_a_softmax_of_its_own(model):
    assert type_of_target(Y) == "multiclass-multioutput"
    assert [own.tolist() for own in model.classes_] == [
        ["large", "middle", "small"],
        ["down", "up"],
    ]
    assert (model.n_outputs_, model.networks_[0].layers[-1].outputs) == (2, 5)
    predicted = model.predict(UNSEEN)
    assert ((predicted == TRUTH).mean(axis=0) > 0.95).all()
    found = model.predict_proba(UNSEEN)
    assert [own.shape for own in found] == [(4000, 3), (4000, 2)]
    for k, own in enumerate(found):
        np.testing.assert_allclose(own.sum(axis=1), 1)
        np.testing.assert_array_equal(model.classes_[k][own.argmax(axis=1)], predicted[:, k])
        np.testing.assert_array_equal(model.predict_log_proba(UNSEEN)[k], np.log(own))
        assert model.oof_proba_[k].shape == (800, own.shape[1])
    assert model.score(UNSEEN, TRUTH) == (predicted == TRUTH).all(axis=1).mean()


def test_it_is_as_good_as_a_model_of_one_column(model):
    alone = classifier(Y[:, 0])
    right = (model.predict(UNSEEN)[:, 0] == TRUTH[:, 0]).mean()
    assert right > alone.score(UNSEEN, TRUTH[:, 0]) - 0.02


def test_labels_may_be_missing():
    y = Y.astype(object)
    y[::2, 1], y[1::4, 0] = None, np.nan
    model = classifier(y, class_weight="balanced", loss="focal")
    assert ((model.predict(UNSEEN) == TRUTH).mean(axis=0) > 0.9).all()
    y[4] = None
    with pytest.raises(ValueError, match="y must have at least one label in each row; row 4"):
        tiny(Classifier).fit(X, y)


def as_polars(y):
    return pl.DataFrame(dict(zip("ab", y.T.tolist(), strict=True)))


@pytest.mark.parametrize("table", [np.asarray, pd.DataFrame, as_polars])
def test_score_counts_rows_by_their_known_labels(small, table):
    y, right = SMALL[1].astype(object), small.predict(SMALL[0]) == SMALL[1]
    y[::3, 0], y[1::3, 1], y[:40] = None, None, None
    right[::3, 0], right[1::3, 1] = True, True
    expected, weights = right[40:].all(axis=1), np.arange(120)
    assert 0 < expected.mean() < 1
    assert small.score(SMALL[0], table(y)) == expected.mean()
    by_hand = np.average(expected, weights=weights[40:])
    assert small.score(SMALL[0], table(y), weights) == pytest.approx(by_hand)


def test_importances_count_known_labels(small):
    gaps = np.where(np.arange(120)[:, None] % 3 == [1, 2], None, Y[:120])
    found = small.importances(X[:120], gaps, n_repeats=1, random_state=0)
    assert found.importances_mean.argmax() in (0, 1)
    shuffled_all = small.importances(X[:120], Y[:120], n_repeats=1, random_state=0)
    assert not np.array_equal(found.importances, shuffled_all.importances)


def test_scikit_learn_scores_gaps_and_text_beside_numbers_with_a_splitter():
    y = pd.DataFrame({"size": Y[:60, 0], "way": np.where(np.arange(60) % 3, Y[:60, 1], None)})
    y["k"] = np.arange(60) % 2
    scores = cross_val_score(tiny(Classifier), X[:60], y, cv=KFold(2, shuffle=True, random_state=0))
    assert np.isfinite(scores).all()


def test_score_of_what_has_no_known_labels_or_other_columns(small):
    with pytest.raises(ValueError, match="at least one label that is known"):
        small.score(SMALL[0], np.full((120, 2), None))
    with pytest.raises(ValueError, match=r"y must have shape \(120, 2\).*got \(120,\)"):
        small.score(SMALL[0], SMALL[1][:, 0])


def test_columns_of_a_frame_keep_their_types():
    frame = pd.DataFrame({"size": SMALL[1][:, 0], "level": np.digitize(SMALL[0][:, 1], [0])})
    model = tiny(Classifier).fit(SMALL[0], frame)
    predicted = model.predict(UNSEEN[:5])
    assert {type(value) for value in predicted[:, 0]} == {str}
    assert {type(value) for value in predicted[:, 1]} == {int}


def test_classes_have_the_types_of_their_columns():
    size, level = SMALL[1][:, 0], np.digitize(SMALL[0][:, 1], [-0.3, 0.3])
    some = pd.array(level, dtype="Int64")
    some[::5] = pd.NA
    frame = pd.DataFrame({"a": size, "b": level, "c": level > 0, "d": some})
    model = tiny(Classifier).fit(SMALL[0], frame)
    assert [own.dtype.kind for own in model.classes_] == ["O", "i", "b", "i"]
    assert [own.tolist() for own in model.classes_[1:]] == [[0, 1, 2], [False, True], [0, 1, 2]]
    assert [type(value) for value in model.predict(UNSEEN)[0]] == [str, int, bool, int]
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    loaded = fastmlp.load(file)
    assert [own.dtype for own in loaded.classes_] == [own.dtype for own in model.classes_]
    np.testing.assert_array_equal(loaded.predict(UNSEEN), model.predict(UNSEEN))


def test_numbers_as_labels_and_what_stays_several_labels():
    three = np.digitize(SMALL[0], [-0.3, 0.3])
    assert tiny(Classifier).fit(SMALL[0], three).predict(UNSEEN[:3]).dtype == three.dtype
    indicators = tiny(Classifier).fit(SMALL[0], SMALL[0] > 0)
    assert indicators.predict_proba(UNSEEN[:3]).shape == (3, 2)


def test_kept_models(small):
    file = io.BytesIO()
    small.save(file)
    file.seek(0)
    loaded, predictor = fastmlp.load(file), small.predictor()
    for kept in (loaded, pickle.loads(pickle.dumps(small)), predictor):
        for own, expected in zip(
            kept.predict_proba(UNSEEN), small.predict_proba(UNSEEN), strict=True
        ):
            np.testing.assert_array_equal(own, expected)
        np.testing.assert_array_equal(kept.predict(UNSEEN), small.predict(UNSEEN))
    row = UNSEEN[0].tolist()
    np.testing.assert_array_equal(predictor.predict(row), small.predict(UNSEEN[:1])[0])
    assert [own.shape for own in predictor.predict_proba(row)] == [(3,), (2,)]
    before = loaded.predict_proba(UNSEEN)[0]
    loaded.partial_fit(*SMALL)
    assert np.any(loaded.predict_proba(UNSEEN)[0] != before)


def test_partial_fit_takes_the_classes_of_each_column():
    model = tiny(Classifier)
    classes = [["large", "middle", "small", "vast"], ["up", "down"]]
    model.partial_fit(*SMALL, classes=classes).partial_fit(*SMALL)
    assert [own.size for own in model.classes_] == [4, 2]
    with pytest.raises(ValueError, match="classes must be a list of the labels of each of the 2"):
        tiny(Classifier).partial_fit(*SMALL, classes=["up", "down"])
    with pytest.raises(ValueError, match="labels that the model was fitted with, in column 0"):
        model.partial_fit(SMALL[0], np.char.add(SMALL[1], "!"))
    with pytest.raises(ValueError, match="classes must be those of the first call"):
        model.partial_fit(*SMALL, classes=classes[:1])


@pytest.mark.parametrize(
    ("y", "others", "unknown"),
    [
        (Y[:120], np.char.add(Y[:120], "er"), r"\['largeer', 'middleer', 'smaller'\]"),
        (np.arange(240).reshape(120, 2) % 3, np.full((120, 2), 1.5), r"\[1.5\]"),
        (np.arange(240).reshape(120, 2) % 3, np.full((120, 2), "b"), r"\['b'\]"),
    ],
)
def test_labels_of_other_rows_are_compared_as_they_are(y, others, unknown):
    """Neither cut to the length of known ones, nor rounded."""
    with pytest.raises(ValueError, match=f"y_val must only have the labels.*got {unknown}"):
        tiny(Classifier).fit(X[:120], y, X_val=X[:120], y_val=others)


def test_weights_and_metrics():
    X_small, y_small = SMALL
    weights = [{"small": 2.0}, {}]
    model = tiny(Classifier, class_weight=weights).fit(X_small, y_small)
    same = np.where(y_small[:, 0] == "small", 2.0, 1.0)
    np.testing.assert_array_equal(
        model.predict_proba(UNSEEN)[0],
        tiny(Classifier).fit(X_small, y_small, same).predict_proba(UNSEEN)[0],
    )
    with pytest.raises(ValueError, match="list of a dict for each of the 2 columns of y"):
        tiny(Classifier, class_weight={"small": 2.0}).fit(X_small, y_small)

    def wrong(y_true, y_pred):
        return (y_true != y_pred).mean()

    model = tiny(Classifier, eval_metric=wrong, compute_importances=True).fit(X_small, y_small)
    assert 0 < model.metric_curve_[0] < 1
    assert model.feature_importances_.shape == (2,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "ordinal"}, "'ordinal' is for one label per row"),
        ({"cost_matrix": [[0, 1], [1, 0]]}, "cost_matrix must be None"),
        ({"extrapolation": "linear"}, "extrapolation='linear' is not supported"),
        ({"monotonic_cst": [1, 0]}, "not supported for several columns of labels"),
        ({"eval_metric": "f1_macro"}, "'f1_macro' is a scorer of scikit-learn for one column"),
    ],
)
def test_what_it_does_not_go_with(options, message):
    with pytest.raises(ValueError, match=message):
        tiny(Classifier, **options).fit(*SMALL)


def test_sets_and_distillation_are_refused(small):
    with pytest.raises(ValueError, match="sets of classes are for one label per row"):
        small.predict_set(UNSEEN)
    with pytest.raises(ValueError, match="distilled is not supported for models with several"):
        small.distilled(X)


def test_accuracy_counts_rows_by_their_known_labels():
    X_small, y = SMALL[0], SMALL[1].astype(object)
    y[::3, 0], y[1::3, 1] = None, None
    model = tiny(Classifier, eval_metric="accuracy", n_iter_no_change=99)
    model.fit(*SMALL, X_val=X_small, y_val=y, sample_weight_val=np.arange(120))
    expected = model.score(X_small, y, np.arange(120))
    assert 0 < expected < 1
    assert max(model.metric_curve_) == pytest.approx(expected)  # of the epoch that is kept
    with pytest.raises(ValueError, match=r"None or 'accuracy' where validation rows lack some"):
        model.set_params(eval_metric=lambda t, p: 0.0).fit(*SMALL, X_val=X_small, y_val=y)


def test_zeros_and_ones_must_be_known_and_text_need_not():
    y = np.where(SMALL[0] > 0, 1.0, 0.0)
    y[::4, 0] = np.nan
    with pytest.raises(ValueError, match=r"a 0/1 matrix of labels must be complete.*'no' and"):
        tiny(Classifier).fit(SMALL[0], y)
    text = np.where(np.isnan(y), None, np.where(y > 0, "yes", "no"))
    assert [own.tolist() for own in tiny(Classifier).fit(SMALL[0], text).classes_] == [
        ["no", "yes"],
        ["no", "yes"],
    ]


def test_one_class_in_a_column():
    with pytest.raises(ValueError, match=r"two classes in each column; column 1 has 1: \['a'\]"):
        tiny(Classifier).fit(SMALL[0], np.column_stack([SMALL[1][:, 0], ["a"] * 120]))
