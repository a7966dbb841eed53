"""scikit-learn's checks of estimators, and its conventions for parameters."""

from unittest import SkipTest

import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    estimator_checks_generator,
)
from tiny_models import DATA, both, tiny

from fastmlp import Classifier, Regressor

# scikit-learn runs this check on its own MLP with parameters too (PER_ESTIMATOR_CHECK_PARAMS): a
# row of weight 2 and two equal rows fall into different minibatches and validation parts. But for
# preset 'plain' networks also start from rows drawn at random, of which there are then others.
WITH_PARAMETERS = "check_sample_weight_equivalence_on_dense_data"


def name_of(check) -> str:
    return getattr(check, "func", check).__name__


CHECKS = [
    pytest.param(estimator, check, id=f"{type(estimator).__name__}-{name_of(check)}-{number}")
    for default in (Regressor(), Classifier())
    for number, (estimator, check) in enumerate(estimator_checks_generator(default))
    if name_of(check) != WITH_PARAMETERS
]


# What scikit-learn's own code says where a check ends at once for an estimator like ours.
DOES_NOT_APPLY = ("SCIPY_ARRAY_API is not set", "does not have a decision_function method")


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learn_check(estimator, check):
    try:
        check(estimator)
    except SkipTest as reason:
        assert any(known in str(reason) for known in DOES_NOT_APPLY)  # noqa: PT017


@pytest.mark.parametrize("estimator", [Regressor, Classifier])
def test_sample_weight_is_repetition(estimator):
    model = estimator(
        preset="plain",
        solver="sgd",
        early_stopping=False,
        learning_rate="constant",
        dtype="float64",
        random_state=42,
        max_iter=10,
    )
    check_sample_weight_equivalence_on_dense_data(estimator.__name__, model)


@both
def test_kind(estimator):
    assert is_regressor(estimator()) == (estimator is Regressor)
    assert is_classifier(estimator()) == (estimator is Classifier)


@both
def test_parameters_round_trip(estimator):
    model = tiny(estimator, dropout=[0.1], learning_rate_factors=(1.0, 2.0))
    parameters = model.get_params()
    assert estimator(**parameters).get_params() == parameters
    other = estimator().set_params(**parameters)
    assert other.get_params() == parameters
    with pytest.raises(ValueError, match="Invalid parameter 'layers'"):
        model.set_params(layers=3)


@both
def test_html_and_text_representation(estimator):
    model = estimator(hidden_layer_sizes=16, max_iter=5, random_state=0)
    assert repr(model) == f"{estimator.__name__}(hidden_layer_sizes=16, max_iter=5, random_state=0)"
    assert estimator.__name__ in model._repr_html_()
    assert "not fitted" in model._repr_html_().lower()
    model.fit(*DATA[estimator])
    assert "not fitted" not in model._repr_html_().lower()
