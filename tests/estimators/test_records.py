"""The records that callbacks get, one an epoch."""

import dataclasses
import math

import numpy as np
import pytest
from tiny_models import THREE, both, target, tiny

from fastmlp import EpochRecord


def numbers_of(record: EpochRecord) -> tuple[float, ...]:
    return record.epoch, record.loss, record.validation_loss, record.learning_rate


def test_records(X, y):
    records: list[EpochRecord] = []
    model = tiny(max_iter=5, callbacks=records.append).fit(X, y)
    assert [numbers_of(record) for record in records] == list(
        zip(
            range(1, 6),
            model.loss_curve_,
            model.validation_curve_,
            model.learning_rate_curve_,
            strict=True,
        )
    )
    assert all(math.isnan(record.metric) and record.network == 0 for record in records)
    seconds = [record.seconds for record in records]
    assert seconds == sorted(seconds)
    assert 0 < seconds[0] <= seconds[-1] <= model.fit_seconds_
    with pytest.raises(dataclasses.FrozenInstanceError):
        records[0].loss = 0.0


def mean_bias(y_true, y_pred):
    return abs(np.mean(y_true.astype(float) - y_pred))


@pytest.mark.parametrize("n_jobs", [1, 2])
@both
def test_records_of_several_networks(estimator, n_jobs, X, y):
    records: list[EpochRecord] = []
    options = {"callbacks": records.append, "eval_metric": mean_bias, "n_jobs": n_jobs}
    model = tiny(estimator, **THREE | options, max_iter=5).fit(X, target(estimator, y))
    assert len(records) == 15
    for number, history in enumerate(model.histories_):
        own = [record for record in records if record.network == number]
        assert [numbers_of(record) for record in own] == list(
            zip(
                range(1, 6),
                history.loss_curve,
                history.validation_curve,
                history.learning_rate_curve,
                strict=True,
            )
        )
        assert [record.metric for record in own] == history.metric_curve
        seconds = [0.0] + [record.seconds for record in own]
        assert seconds == sorted(seconds)
        assert seconds[-1] <= history.seconds
    if n_jobs == 1:
        assert [record.network for record in records] == sorted(r.network for r in records)


def test_record_without_a_validation_part(X, y):
    records: list[EpochRecord] = []
    tiny(max_iter=5, callbacks=[records.append], early_stopping=False).fit(X, y)
    assert len(records) == 5
    assert all(math.isnan(record.validation_loss) for record in records)
