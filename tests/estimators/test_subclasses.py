"""Estimators that users derive."""

import pytest
from sklearn.base import clone
from tiny_models import DATA

from fastmlp import Dense, Regressor


class Shallow(Regressor):
    """A subclass with its own defaults and one parameter more."""

    def __init__(self, units=4, *, max_iter=3):
        super().__init__(units, max_iter=max_iter)
        self.units = units


def test_subclass():
    X, y = DATA[Regressor]
    model = Shallow(units=3).fit(X, y)
    assert model.get_params() == {"units": 3, "max_iter": 3}
    assert clone(model).get_params() == {"units": 3, "max_iter": 3}
    for network in model.networks_:
        assert [x.outputs for x in network.layers if isinstance(x, Dense)] == [3, 1]


class Wrong(Regressor):
    """A subclass with a default that is none of what it may be."""

    def __init__(self, alpha=-1.0):
        super().__init__(alpha=alpha)


class Asking(Regressor):
    """A subclass with a parameter that has no default."""

    def __init__(self, alpha, *, max_iter=1):
        super().__init__(alpha=alpha, max_iter=max_iter)


def test_parameters_of_subclasses_are_checked():
    X, y = DATA[Regressor]
    with pytest.raises(ValueError, match="'alpha' parameter of Wrong must be a float in the range"):
        Wrong().fit(X, y)
    with pytest.raises(ValueError, match="'alpha' parameter of Asking must be a float in the ran"):
        Asking("a").fit(X, y)
    Asking(0.1).fit(X, y)
