"""Four columns: each is worth half of the one before, and the last nothing."""

import numpy as np
import pandas as pd
from tiny_models import LEARNING

from fastmlp import Regressor

ROWS = 300
FRAME = pd.DataFrame(
    np.random.default_rng(0).normal(size=(ROWS, 4)), columns=["most", "much", "little", "nothing"]
)
Y = 4 * FRAME["most"] + 2 * FRAME["much"] + FRAME["little"]


def fitted(estimator=Regressor, X=FRAME, y=Y, **options):
    labels = y if estimator is Regressor else y > 0
    return estimator(**LEARNING | options).fit(X, labels)
