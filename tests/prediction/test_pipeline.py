"""A pipeline holds all that a prediction does: step by step, it gives what `predict` gives."""

import numpy as np
import pandas as pd
import pytest
from tiny_models import tiny

from fastmlp import Classifier, Network, Regressor
from fastmlp.neural_network import MLPClassifier, MLPRegressor
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.tasks.inverse_links import apply_inverse_link

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
FRAME = pd.DataFrame(X, columns=["a", "b", "c"]).assign(
    c=RNG.choice(["x", "y", "z"], 60), d=np.where(X[:, 0] > 1, np.nan, X[:, 1])
)
NUMBER = X[:, 0] - X[:, 1]
LABEL = np.where(NUMBER > 0, "yes", "no")
LABELS = np.array(["a", "b", "c"])[np.digitize(NUMBER, [-0.5, 0.5])]


def predicted(pipeline: Pipeline, rows):
    """The steps of a prediction, one by one."""
    table = pipeline.encoder.encode(rows)
    offset = beyond = None
    if pipeline.linear is not None:
        table, offset, beyond = pipeline.linear.split(table, pipeline.training_range)
        offset = offset / getattr(pipeline.decoder, "unit", 1.0)
    numbers = np.array(table, dtype=np.float64)
    if pipeline.scaling is not None:
        for column in range(pipeline.scaling.n_numeric):
            scaled = pipeline.scaling.apply(numbers[:, column], column)
            numbers[:, column] = np.where(np.isnan(scaled), 0, scaled)
    mean = 0.0
    for weight, trained in zip(pipeline.weights, pipeline.networks, strict=True):
        network = Network(trained.layers, dtype="float64")
        for own, given in zip(network.parameters, trained.parameters, strict=True):
            own[...] = given
        outputs = network.forward(numbers) + (0.0 if offset is None else offset)
        mean = mean + weight * apply_inverse_link(pipeline.link, outputs)
    return pipeline.decoder.decode(mean, beyond)


@pytest.mark.parametrize(
    ("model", "rows", "y"),
    [
        (tiny(Regressor), FRAME, NUMBER),
        (tiny(Regressor, loss="quantile", quantile=[0.1, 0.9]), FRAME, NUMBER),
        (tiny(Regressor, loss="poisson"), FRAME, np.abs(NUMBER)),
        (tiny(Regressor, extrapolation="linear"), FRAME, np.column_stack([NUMBER, X[:, 2]])),
        (tiny(Classifier, calibrate=True), FRAME, LABEL),
        (tiny(Classifier), FRAME, LABELS),
        (tiny(Classifier), FRAME, (X > 0).astype(int)),
        (MLPRegressor(hidden_layer_sizes=5, max_iter=3), X, NUMBER),
        (MLPClassifier(hidden_layer_sizes=5, max_iter=3), X, LABEL),
        (MLPClassifier(hidden_layer_sizes=5, max_iter=3), X, LABELS),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_steps_of_a_pipeline_are_those_of_predict(model, rows, y):
    model.fit(rows, y)
    expected = getattr(model, "predict_proba", model.predict)(rows)
    found = predicted(model._pipeline, rows)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)
