"""fastmlp.neural_network as scikit-learn's own checks and tests of its MLP see it."""

import inspect

import pytest
import sklearn.neural_network as theirs
from sklearn.base import clone
from sklearn.neural_network.tests import test_mlp as their_tests
from sklearn.utils._test_common.instance_generator import (
    INIT_PARAMS,
    PER_ESTIMATOR_CHECK_PARAMS,
    PER_ESTIMATOR_XFAIL_CHECKS,
)
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn_checks import name_of, run

import fastmlp.neural_network as ours

NAMES = ("MLPRegressor", "MLPClassifier")


def checks():
    """Every estimator check, with the parameters that scikit-learn gives its own MLP for it."""
    for name in NAMES:
        their_class = getattr(theirs, name)
        assert their_class not in PER_ESTIMATOR_XFAIL_CHECKS
        with_parameters = PER_ESTIMATOR_CHECK_PARAMS[their_class]
        default = getattr(ours, name)(**INIT_PARAMS[their_class])
        for number, (estimator, check) in enumerate(estimator_checks_generator(default)):
            options = with_parameters.get(name_of(check), [{}])
            for more in [options] if isinstance(options, dict) else options:
                model = clone(estimator).set_params(**more) if more else estimator
                yield pytest.param(model, check, id=f"{name}-{name_of(check)}-{number}")


# As in scikit-learn's suite.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_estimator_check(estimator, check):
    run(check, estimator)


def scikit_learns_tests():
    """Its tests of its MLP, one call each."""
    for name, test in inspect.getmembers(their_tests, inspect.isfunction):
        if not name.startswith("test_"):
            continue
        argument_sets = [{}]
        for mark in getattr(test, "pytestmark", []):
            if mark.name != "parametrize":
                continue
            names, values = mark.args[:2]
            names = [n.strip() for n in names.split(",")] if isinstance(names, str) else names
            argument_sets = [
                known | dict(zip(names, value if len(names) > 1 else (value,), strict=True))
                for known in argument_sets
                for value in values
            ]
        for number, arguments in enumerate(argument_sets):
            yield pytest.param(test, arguments, id=f"{name}-{number}")


@pytest.fixture
def fixtures(tmp_path, capsys):
    return {"global_random_seed": 42, "tmpdir": tmp_path, "tmp_path": tmp_path, "capsys": capsys}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("test", "arguments"), list(scikit_learns_tests()))
def test_of_scikit_learn(test, arguments, fixtures, monkeypatch):
    for name in NAMES:
        monkeypatch.setattr(their_tests, name, getattr(ours, name))
    wanted = set(inspect.signature(test).parameters) - set(arguments)
    test(**arguments, **{name: fixtures[name] for name in wanted})


@pytest.mark.parametrize("name", NAMES)
def test_constructor_is_theirs_with_two_more(name):
    our_class, their_class = getattr(ours, name), getattr(theirs, name)
    own = dict(inspect.signature(our_class).parameters)
    added = {key: own.pop(key) for key in ("n_jobs", "dtype")}
    expected = inspect.signature(their_class).parameters
    assert [(p.name, p.default, p.kind) for p in own.values()] == [
        (p.name, p.default, p.kind) for p in expected.values()
    ]
    assert [(p.default, p.kind) for p in added.values()] == [
        (None, inspect.Parameter.KEYWORD_ONLY),
        ("auto", inspect.Parameter.KEYWORD_ONLY),
    ]
    assert our_class().__sklearn_tags__() == their_class().__sklearn_tags__()
    assert repr(our_class(alpha=1, max_iter=3)) == repr(their_class(alpha=1, max_iter=3))
    constraints = our_class._parameter_constraints
    assert their_class._parameter_constraints.items() <= constraints.items()


@pytest.mark.parametrize("name", NAMES)
def test_private_steps_are_still_scikit_learns(name):
    """The steps that the engine replaces exist there and take what we take."""
    for step in (
        "_validate_input",
        "_fit",
        "_fit_stochastic",
        "_fit_lbfgs",
        "_loss_grad_lbfgs",
        "_forward_pass_fast",
        "_update_no_improvement_count",
    ):
        own = inspect.signature(getattr(getattr(ours, name), step)).parameters.values()
        expected = inspect.signature(getattr(getattr(theirs, name), step)).parameters.values()
        if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in own):
            continue
        assert [(p.name, p.default) for p in own] == [(p.name, p.default) for p in expected]
