"""Columns that name the rows: text is left out with a warning, numbers are only warned of."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from columns_of_every_kind import codes, described, encoded

from fastmlp import Regressor
from fastmlp.table.column import Column

NEARLY = [f"user {i}" for i in range(97)] + ["user 1", "user 2", "user 2"]


def test_text_that_nearly_always_differs_is_left_out():
    with pytest.warns(UserWarning, match="'a' is not used: 97 of its 100 values, such as 'user "):
        assert described(NEARLY) == Column("a", "constant", rare=100)
    with pytest.warns(UserWarning, match="'a' is used only for which values are missing: 97 of"):
        column = described([*NEARLY, None, None])
    assert column == Column("a", "category", (None,), missing=True, rare=100)


NO_IDENTIFIERS = {
    "few rows": [*"abcdefghijklmnopqr", "r"],
    "one label of many rows": [f"user {i}" for i in range(97)] + ["nobody"] * 4,
    "a tenth of the rows alike": [f"user {i}" for i in range(90)] + [f"user {i}" for i in range(9)],
}


@pytest.mark.parametrize("kind", NO_IDENTIFIERS)
def test_labels_that_say_something_of_other_rows_are_used(kind):
    assert described(NO_IDENTIFIERS[kind]).categories


def test_what_the_user_calls_a_category_is_no_identifier():
    assert described(NEARLY, listed=True).categories == ("user 2", "user 1")
    assert described(pd.Categorical(NEARLY)).categories == ("user 2", "user 1")
    assert max(codes(NEARLY, categorical_features=["a"])) == 2


NAMES = ["id", "ID", "user_id", "userId", "PassengerId", "order.id", "uuid", "Unnamed: 0", "index"]
OTHERS = ["humid", "paid", "grid", "identity", "area", "row_total", "Unnamed", "day", "VOID"]


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_whole_numbers_that_all_differ_are_warned_of_and_used(library):
    values = np.random.default_rng(0).permutation(1000)[:40]
    for name in NAMES:
        table = library({name: values, "other": values % 7.0})
        with pytest.warns(UserWarning, match=f"'{name}' seems to be an identifier: its 40 whole"):
            result, columns = encoded(table)
        assert columns.columns[0].kind == "numeric"
        np.testing.assert_array_equal(result[:, 0], values)
    encoded(library(dict.fromkeys(OTHERS, values)))
    encoded(library({"id": values // 2, "index": values / 2}))
    encoded(library({"id": values[:19], "other": values[:19]}))


def test_a_fit_warns_once_and_predictions_do_not():
    table = pd.DataFrame({"id": range(100, 160), "x": np.linspace(0, 1, 60)})
    model = Regressor(preset="plain", max_iter=2, random_state=0)
    with pytest.warns(UserWarning, match="identifier") as caught:
        model.fit(table, table["x"])
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(table)
