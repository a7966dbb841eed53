"""One signal among three columns, as every kind of target, with validation rows beside it."""

import numpy as np
from tiny_models import TINY

from fastmlp import Classifier, Regressor

ROWS = 300
_rng = np.random.default_rng(0)
X, X_VAL = _rng.normal(size=(ROWS, 3)), _rng.normal(size=(100, 3))
Y, Y_VAL = (table[:, 0] + 0.3 * _rng.normal(size=len(table)) for table in (X, X_VAL))
TARGETS = {
    "numbers": (Y, Y_VAL),
    "two classes": (Y > 0, Y_VAL > 0),
    "text": tuple(np.where(y > 0, "yes", "no") for y in (Y, Y_VAL)),
    "three classes": tuple(np.digitize(y, [-0.5, 0.5]) for y in (Y, Y_VAL)),
}
for _values in (X, X_VAL, Y, Y_VAL):
    _values.flags.writeable = False

ONE = TINY | {"hidden_layer_sizes": 16, "max_iter": 12, "n_estimators": 1}


def fitted(target="numbers", **options):
    """One network of the default preset, validated on the rows beside; not calibrated."""
    y, y_val = TARGETS[target]
    if target == "numbers":
        return Regressor(**ONE | options).fit(X, y, X_val=X_VAL, y_val=y_val)
    model = Classifier(**ONE | {"calibrate": False} | options)
    return model.fit(X, y, X_val=X_VAL, y_val=y_val)
