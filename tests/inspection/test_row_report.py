"""What a model predicts for a row, in words."""

import numpy as np
import pandas as pd
import pytest
from columns_of_every_kind import people
from tiny_models import TINY

from fastmlp import Classifier, Regressor

FRAME = pd.DataFrame(people(100)).drop(columns="country")
AGE = FRAME["age"].to_numpy()
SHARED = TINY | {"preset": "plain", "max_iter": 20}


@pytest.fixture(scope="module")
def regressor():
    return Regressor(**SHARED).fit(FRAME, AGE)


def test_numbers_and_columns_that_raise_and_lower(regressor):
    row, prediction = FRAME.iloc[[3]], regressor.predict(FRAME.iloc[[3]])[0]
    found = regressor.attributions(row, FRAME)
    report = regressor.explain_row(row, FRAME, max_columns=2)
    side = "above" if prediction > found.base_value else "below"
    change = abs(prediction - found.base_value)
    assert report.startswith(
        f"The prediction is {prediction:.4g}, {change:.3g} {side} {found.base_value:.4g}, the mean "
        "for the background. It is "
    )
    first = np.abs(found.values[0]).argmax()
    assert f"{found.feature_names[first]} = " in report
    assert f"({found.values[0, first]:+.3g})" in report
    rest = np.sort(found.values[0][np.argsort(np.abs(found.values[0]))[:-2]])
    assert report.endswith(f"The 4 other columns add {rest.sum():+.3g}.")


def test_a_row_in_any_form(regressor):
    row = FRAME.iloc[3]
    expected = regressor.explain_row(FRAME.iloc[[3]], FRAME)
    for form in (row, dict(row), list(row), row.to_numpy()):
        assert regressor.explain_row(form, FRAME) == expected
    with pytest.raises(ValueError, match="row must be a single row; got a table of 2"):
        regressor.explain_row(FRAME[:2], FRAME)
    with pytest.raises(ValueError, match="yet now missing"):
        regressor.explain_row({"age": 1}, FRAME)


def test_attributions_take_a_row_in_any_form_too(regressor):
    row = FRAME.iloc[3]
    expected = regressor.attributions(FRAME.iloc[[3]], FRAME)
    for form in (row, dict(row), list(row), row.to_numpy()):
        found = regressor.attributions(form, FRAME)
        np.testing.assert_array_equal(found.values, expected.values)
        assert found.data.tolist() == expected.data.tolist()
    with pytest.raises(ValueError, match="background must be given"):
        regressor.attributions(row)
    with pytest.raises(ValueError, match="yet now missing"):
        regressor.attributions({"age": 1}, FRAME)


def test_missing_values_are_called_so(regressor):
    at = int(np.flatnonzero(FRAME["income"].isna())[0])
    assert "income = missing" in regressor.explain_row(FRAME.iloc[at], FRAME, max_columns=6)


@pytest.mark.parametrize("row", [5, 6, 7])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_predicted_class_and_its_probability(classes, row):
    labels = np.array(["young", "old", "older"])[np.digitize(AGE, [50, 70][: classes - 1])]
    model = Classifier(**SHARED).fit(FRAME, labels)
    report = model.explain_row(FRAME.iloc[row], FRAME, max_columns=6)
    probabilities = model.predict_proba(FRAME)
    k = probabilities[row].argmax()
    change = 100 * (probabilities[row, k] - probabilities[:, k].mean())
    assert report.startswith(
        f"The predicted class is {str(model.classes_[k])!r}. Its probability is "
        f"{probabilities[row, k]:.1%}, {abs(change):.1f} points "
    )
    amounts = [part.split(")")[0] for part in report.split("(")[1:]]
    np.testing.assert_allclose(sum(map(float, amounts)), change, atol=0.4)


def test_several_outputs_have_a_line_each():
    model = Regressor(**SHARED).fit(FRAME, np.column_stack([AGE, -AGE]))
    first, second = model.explain_row(FRAME.iloc[0], FRAME).splitlines()
    assert first.startswith("The prediction of output 0 is")
    assert second.startswith("The prediction of output 1 is")
    labels = Classifier(**SHARED).fit(FRAME, np.column_stack([AGE > 50, AGE > 30]) * 1)
    assert labels.explain_row(FRAME.iloc[0], FRAME).startswith("The probability of label 0 is")
