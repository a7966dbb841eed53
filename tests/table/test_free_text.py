"""Free text is refused in one sentence, and no message quotes a long value in full."""

import numpy as np
import pandas as pd
import pytest
from columns_of_every_kind import encoded

from fastmlp.table.encoder import DenseEncoder

RNG = np.random.default_rng(0)
WORDS = np.array([f"word{i}" for i in range(200)])
DOCUMENTS = [" ".join(RNG.choice(WORDS, size=30)) for _ in range(60)]
NAMES = [" ".join(RNG.choice(WORDS, size=4)) for _ in range(60)]


def test_free_text_is_refused():
    for table in (pd.DataFrame({"review": DOCUMENTS}), np.array(DOCUMENTS)[:, None]):
        with pytest.raises(ValueError, match=r"'(review|x0)' holds free text, .*TfidfVec") as info:
            DenseEncoder.learn(table)
        assert len(str(info.value)) < 300
        assert not any(document in str(info.value) for document in DOCUMENTS)


def test_what_is_not_free_text():
    with pytest.warns(UserWarning, match="'a' is not used: none of its 60 values"):
        encoded(pd.DataFrame({"a": NAMES}))
    encoded(pd.DataFrame({"a": DOCUMENTS[:5] * 12}))  # answers to choose from
    DenseEncoder.learn(pd.DataFrame({"a": DOCUMENTS * 2}), ["a"])  # as told
    DenseEncoder.learn(pd.DataFrame({"a": DOCUMENTS * 2}).astype("category"))


def test_messages_cut_long_values():
    long = "x" * 1000
    numbers, _ = DenseEncoder.learn(pd.DataFrame({"a": [1.0, 2.0]}))
    labels, _ = DenseEncoder.learn(pd.DataFrame({"a": [1, 2, 3]}), ["a"])
    for columns in (numbers, labels):
        with pytest.raises(ValueError, match=r"training; got .*'xxx.*\.\.\.$") as info:
            columns.encode(pd.DataFrame({"a": [long]}))
        assert len(str(info.value)) < 150
    with pytest.warns(UserWarning, match=r"is not used.*\.\.\.") as record:
        encoded(pd.DataFrame({"a": [f"{long}{i}" for i in range(20)]}))
    assert len(str(record[0].message)) < 150
