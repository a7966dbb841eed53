"""CommonAttributes: the attributes that a fit of either estimator sets."""

from __future__ import annotations

from copy import deepcopy

from fastmlp.estimators.fitted_attribute import FittedAttribute
from fastmlp.prediction.read_only import read_only

MAKES_OUT_OF_FOLD = (
    "a fit of several networks with early_stopping=True and without X_val makes out-of-fold "
    "predictions, with `time` and parts that leave rows out only if there are two windows; "
    "partial_fit and a warm start on other rows remove them"
)


class CommonAttributes:
    """Attributes of a fitted estimator, described in the docstrings of Regressor and Classifier."""

    networks_ = FittedAttribute(lambda model: [deepcopy(one.network) for one in model.members])
    estimator_weights_ = FittedAttribute(lambda model: model.ensemble.weights)
    histories_ = FittedAttribute(lambda model: deepcopy(model.histories))
    coefs_ = FittedAttribute(lambda model: read_only(model.dense_parameters("weights")))
    intercepts_ = FittedAttribute(lambda model: read_only(model.dense_parameters("bias")))
    n_iter_ = FittedAttribute(lambda model: model.n_iter)
    best_iteration_ = FittedAttribute(lambda model: model.best_iteration, may_be_none=True)
    loss_curve_ = FittedAttribute(lambda model: model.loss_curve)
    validation_curve_ = FittedAttribute(lambda model: model.validation_curve, may_be_none=True)
    metric_curve_ = FittedAttribute(lambda model: model.metric_curve, may_be_none=True)
    evals_result_ = FittedAttribute(lambda model: model.evals_result)
    learning_rate_curve_ = FittedAttribute(lambda model: model.learning_rate_curve)
    loss_ = FittedAttribute(lambda model: model.last_loss)
    best_loss_ = FittedAttribute(lambda model: model.best_loss)
    stop_reason_ = FittedAttribute(lambda model: model.stop_reason)
    fit_seconds_ = FittedAttribute(lambda model: model.fit_seconds)
    feature_importances_ = FittedAttribute(
        lambda model: model.feature_importances, "set compute_importances=True before `fit`"
    )
    privacy_ = FittedAttribute(lambda model: model.privacy, may_be_none=True)
    t_ = FittedAttribute(lambda model: model.samples_seen)
    n_features_in_ = FittedAttribute(lambda model: model.encoder.n_columns)
    feature_names_in_ = FittedAttribute(
        lambda model: model.encoder.feature_names, "X had no column names that are all strings"
    )
    output_names_ = FittedAttribute(
        lambda model: model.task.output_names and [*model.task.output_names],
        "y had no column names that are all different strings",
    )
    n_layers_ = FittedAttribute(lambda model: model.n_layers)
    n_outputs_ = FittedAttribute(lambda model: model.task.n_outputs)
    out_activation_ = FittedAttribute(lambda model: model.task.link.name)
