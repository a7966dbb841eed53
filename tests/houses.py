"""A table of houses with columns of every kind, and options of the command that train at once."""

import numpy as np
import pandas as pd

FAST = ("--preset", "plain", "--quiet")


def houses(rows=80, seed=0):
    """Columns of every kind; price is a number, sold and kind are classes."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2001-03-01", periods=rows, freq="41D").strftime("%Y-%m-%d")
    table = pd.DataFrame(
        {
            "id": [f"h{i:03d}" for i in range(rows)],
            "area": rng.uniform(40, 200, rows).round(1),
            "rooms": rng.integers(1, 8, rows),
            "town": rng.choice(["Ulm", "Gera", "Köln"], rows),
            "garden": rng.random(rows) < 0.5,
            "built": np.random.default_rng(1).permutation(days),
            "agent": rng.integers(0, 12, rows),
        }
    )
    table.loc[::9, "area"] = np.nan
    table.loc[4::11, "town"] = None
    table["price"] = 1000 * table["area"].fillna(120) + 20_000 * (table["town"] == "Ulm")
    table["sold"] = np.where(table["price"] > 120_000, "no", "yes")
    return table
