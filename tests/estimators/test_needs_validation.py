"""What needs validation rows says so."""

import numpy as np
import pytest
from small_tables import ONE, ROWS, X_VAL, Y_VAL, X, Y

from fastmlp import Classifier, Regressor

NEEDS = [
    (Regressor, {"eval_metric": "r2"}),
    (Regressor, {"compute_importances": True}),
    (Classifier, {"eval_metric": "accuracy"}),
    (Classifier, {"compute_importances": True}),
    (Classifier, {"calibrate": True}),
]


@pytest.mark.parametrize(("estimator", "option"), NEEDS)
def test_what_needs_validation_rows_says_so(estimator, option):
    y, y_val = (Y, Y_VAL) if estimator is Regressor else (Y > 0, Y_VAL > 0)
    model = estimator(**ONE | option)
    message = f"{next(iter(option))}.* needs validation rows: X_val and y_val, or early_stopping"
    with pytest.raises(ValueError, match=message):
        model.fit(X[:9], y[:9])  # nine are all needed to train on
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, np.arange(ROWS) == 0)  # one part weighs nothing
    model.fit(X[:10], y[:10]).set_params(warm_start=True)
    with pytest.raises(ValueError, match=message):
        model.fit(X[:9], y[:9])
    model.set_params(early_stopping=False, warm_start=False)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    model.fit(X, y, X_val=X_VAL, y_val=y_val)
    if "calibrate" in option:
        raw = model.predict_proba(X)
        model.set_params(calibrate=False).fit(X, y, X_val=X_VAL, y_val=y_val)
        assert not np.array_equal(model.predict_proba(X), raw)


def test_a_validation_part_leaves_rows_to_train_on():
    with pytest.raises(ValueError, match=r"validation_fraction=0.99 leaves none of 12 rows"):
        Regressor(**ONE, validation_fraction=0.99).fit(X[:12], Y[:12])
    with pytest.raises(ValueError, match="X_val and y_val must have at least one row"):
        Regressor(**ONE).fit(X, Y, X_val=X[:0], y_val=Y[:0])
