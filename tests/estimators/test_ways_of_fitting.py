"""The arguments of `fit` and what each way of fitting refuses: places that name them agree."""

from dataclasses import fields
from inspect import signature

import numpy as np
import pytest

from fastmlp import Classifier, Regressor, federated
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.estimators.ways_of_fitting import BY_ROWS, FEDERATED, PRIVATE, STREAM

ARGUMENTS = [field.name for field in fields(FitArguments)]
SHARED = {name for name in Regressor().get_params() if name in Classifier().get_params()}


def test_the_arguments_of_fit_are_those_that_are_passed_on():
    assert [*signature(Regressor.fit).parameters] == ["self", *ARGUMENTS]


@pytest.mark.parametrize("way", [STREAM, PRIVATE, BY_ROWS, FEDERATED], ids=lambda way: way.where)
def test_what_is_refused_exists(way):
    assert set(way.arguments) <= set(ARGUMENTS)
    assert {*way.parameters, *way.excluded} <= SHARED
    way.check_arguments(FitArguments(X=None))
    way.check_parameters(Regressor())


def test_arrays_are_refused_as_other_values_are():
    model = federated.Regressor(monotonic_cst=np.array([1, 0]))
    with pytest.raises(ValueError, match="monotonic_cst must be None in federated training; got"):
        model.fit([])
