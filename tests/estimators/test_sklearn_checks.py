"""scikit-learn's checks of estimators, and its conventions for parameters."""

import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
    estimator_checks_generator,
)
from sklearn_checks import name_of, run
from tiny_models import DATA, ESTIMATORS, both, tiny

from fastmlp import Classifier, Regressor

# scikit-learn runs these checks on its own MLP with parameters too (PER_ESTIMATOR_CHECK_PARAMS): a
# row of weight 2 and two equal rows fall into different minibatches and validation parts. But for
# preset 'plain' networks also start from rows drawn at random, of which there are then others.
WITH_PARAMETERS = [
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
]

# Fewer and smaller networks than by default, but of two kinds too, and with folds.
FEW = {"n_estimators": 4, "validation_fraction": 0.5, "hidden_layer_sizes": 32}
CHECKS = [
    pytest.param(model, check, id=f"{type(model).__name__}-{name_of(check)}-{number}")
    for estimator in ESTIMATORS
    for number, (model, check) in enumerate(estimator_checks_generator(estimator(**FEW)))
    if name_of(check) not in map(name_of, WITH_PARAMETERS)
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learn_check(estimator, check):
    run(check, estimator)


@pytest.mark.parametrize("check", WITH_PARAMETERS, ids=name_of)
@both
def test_sample_weight_is_repetition(estimator, check):
    model = estimator(
        preset="plain",
        solver="sgd",
        early_stopping=False,
        learning_rate="constant",
        dtype="float64",
        random_state=42,
        max_iter=10,
    )
    check(estimator.__name__, model)


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
