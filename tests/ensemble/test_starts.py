"""Networks start well whatever the rows are."""

import numpy as np
import pytest
from tiny_models import both

from fastmlp import Regressor


@pytest.mark.parametrize("seed", range(6))
@both
def test_one_column_of_two_values_is_learnt(estimator, seed):
    """Starts that were fitted to rows which differ in one direction only blew up."""
    flag = np.random.default_rng(seed).random(120) < 0.5
    model = estimator(random_state=seed, preset="fast", n_estimators=3)
    model.fit(flag[:, None], 1.0 * flag)
    predict = model.predict if estimator is Regressor else lambda X: model.predict_proba(X)[:, 1]
    np.testing.assert_allclose(predict([[False], [True]]), [0, 1], atol=0.05)
    assert model.loss_curve_[0] < 1000  # it was 10^9
