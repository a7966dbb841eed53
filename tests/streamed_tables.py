"""A table of numbers and colours, and another of the same kind; options of quick fits to them."""

import numpy as np
import pandas as pd
from tiny_models import TINY

ROWS = 800
QUICK = TINY | {"hidden_layer_sizes": 16, "max_iter": 8, "n_estimators": 2}


def table(seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
    frame["color"] = rng.choice(["red", "green", "blue"], ROWS)
    y = 2 * frame["a"] + (frame["color"] == "red") + 0.1 * rng.normal(size=ROWS)
    frame.loc[rng.random(ROWS) < 0.1, "b"] = np.nan
    return frame, y.to_numpy()


X, Y = table()
NEW, NEW_Y = table(seed=1)


def kinds_of(y):
    return np.array(["small", "medium", "tall"], dtype=object)[np.digitize(y, [-1, 1])]
