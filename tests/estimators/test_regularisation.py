"""Penalties, weight decay and dropout do what they say."""

import numpy as np
import pytest
from tiny_models import HALF
from unregularised import fitted


def norm(model) -> float:
    return np.sqrt(sum((w.astype(float) ** 2).sum() for w in model.coefs_))


def test_l1_makes_weights_small_one_by_one(made):
    def tiny(model):
        return np.mean(np.abs(np.concatenate([w.ravel() for w in model.coefs_])) < 2e-3)

    assert tiny(fitted(made)) < 0.05
    assert tiny(fitted(made, alpha=0.6, l1_ratio=1.0)) > 0.3


@pytest.mark.parametrize("options", [{"alpha": 3.0}, {"weight_decay": 5.0}])
def test_l2_and_weight_decay_make_weights_smaller(options, made):
    assert norm(fitted(made, **options)) < 0.7 * norm(fitted(made))


def test_dropout_keeps_the_training_error_up(made):
    options = {"hidden_layer_sizes": (128, 128), "max_iter": 400, "learning_rate_init": 5e-3}
    options |= {"n_iter_no_change": np.inf}
    plain, dropped = fitted(made, **options), fitted(made, dropout=0.5, **options)
    X, f, noise = made
    y = f[:300] + noise[:300]
    assert plain.score(X[:300], y) > dropped.score(X[:300], y) + 0.02
    assert dropped.score(X[HALF:], f[HALF:]) > plain.score(X[HALF:], f[HALF:])
