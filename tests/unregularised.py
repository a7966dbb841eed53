"""A network that nothing keeps from learning its rows by heart."""

from fastmlp import Regressor


def fitted(made, **options) -> Regressor:
    X, f, noise = made
    defaults = {"hidden_layer_sizes": (32, 32), "weight_decay": 0.0, "early_stopping": False}
    defaults |= {"preset": "plain", "max_iter": 60, "random_state": 0, "activation": "silu"}
    return Regressor(**defaults | options).fit(X[:300], f[:300] + noise[:300])
