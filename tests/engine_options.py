"""Options of the compiled core's training that ask for nothing but plain steps."""

import numpy as np

PLAIN = {
    "loss": "squared_error",
    "delta": 1.0,
    "quantiles": [0.5],
    "label_smoothing": 0.0,
    "l1": 0.0,
    "l2": 0.0,
    "max_grad_norm": 0.0,
    "learning_rate": "constant",
    "learning_rate_init": 0.01,
    "power_t": 0.5,
    "warmup_fraction": 0.0,
    "max_iter": 1,
    "batch_size": 16,
    "shuffle": True,
    "tol": 0.0,
    "n_iter_no_change": 100,
    "patience_growth": 0.0,
    "early_stopping": False,
    "average_epochs": 0.0,
    "reports_outputs": False,
    "anneals": False,
    "time_limit": np.inf,
    "seed": 0,
    "samples_seen": 0.0,
}
