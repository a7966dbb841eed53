"""Signs of weights: initial weights have them, and every optimiser's steps keep them."""

import numpy as np
import pytest

from fastmlp import Dense, Dropout, Embedding, Network, Optimizer, Scale
from fastmlp.networks.optimizer import SOLVERS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
Y = RNG.normal(size=(40, 3))
EDGES = np.tile(np.linspace(-2, 2, 6), (5, 1))


def random_signs(*shape):
    return "".join(RNG.choice(list("*+-0"), np.prod(shape)))


def assert_allowed(weights, signs):
    for value, sign in zip(np.array(weights).ravel(), signs, strict=True):
        assert {"*": True, "+": value >= 0, "-": value <= 0, "0": value == 0}[sign]


# The last layer, of few outputs, is stored transposed; the embedding is cut into tasks by columns.
SIGNS = (random_signs(5), random_signs(40), random_signs(40, 37), random_signs(37, 3))
LAYERS = [
    Embedding(5, bin_edges=EDGES, signs="+*0-+"),
    Scale(40, SIGNS[1]),
    Dense(40, 37, "relu", parametric=True, signs=SIGNS[2]),
    Dropout(0.1),
    Dense(37, 3, signs=SIGNS[3]),
]


def assert_all_allowed(network):
    parameters = network.parameters
    assert_allowed(parameters[2], "+*0-+" * (len(parameters[2])))  # piecewise-linear weights
    assert_allowed(parameters[3], SIGNS[1])
    assert_allowed(parameters[4], SIGNS[2])
    assert_allowed(parameters[7], SIGNS[3])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_steps_keep_the_signs(solver, dtype):
    network = Network(LAYERS, dtype=dtype, random_state=0)
    assert_all_allowed(network)
    rate = 0.5 if solver == "adam" else 0.02
    optimizer = Optimizer(
        network, solver=solver, learning_rate_init=rate, weight_decay=0.3, max_grad_norm=1.0
    )
    before = [values.copy() for values in network.parameters]
    for _ in range(20):
        network.backward(X, Y, alpha=0.1)
        optimizer.step()
        assert_all_allowed(network)
    for place, own in enumerate(before):
        assert (network.parameters[place] != own).any()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_step_goes_to_the_nearest_weights_that_are_allowed(solver):
    signs = random_signs(5, 3)
    free, held = (
        Network([Dense(5, 3, signs=own)], dtype="float64", random_state=1) for own in ("", signs)
    )
    for place, values in enumerate(held.parameters):
        free.parameters[place][...] = values
    for network in (free, held):
        network.backward(X, Y)
        Optimizer(network, solver=solver, learning_rate_init=0.3).step()
    lowest = [{"*": -np.inf, "-": -np.inf}.get(sign, 0.0) for sign in signs]
    highest = [{"*": np.inf, "+": np.inf}.get(sign, 0.0) for sign in signs]
    allowed = np.clip(free.parameters[0].ravel(), lowest, highest)
    np.testing.assert_array_equal(np.array(held.parameters[0]).ravel(), allowed)
    np.testing.assert_array_equal(held.parameters[1], free.parameters[1])


def test_initial_weights_of_the_wrong_sign_are_zero():
    free = Network([Dense(5, 3)], random_state=0).parameters[0]
    held = Network([Dense(5, 3, signs="+" * 15)], random_state=0).parameters[0]
    np.testing.assert_array_equal(held, np.maximum(free, 0))


def test_no_unit_begins_without_weights():
    held = Network([Dense(1, 64, signs="-" * 64)], random_state=0).parameters[0]
    assert (held < 0).all()


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("slope", [1.0, 0.99, 0.5])
def test_rectifiers_with_slopes_keep_the_order_of_neighbours(activation, slope):
    network = Network([Dense(1, 1, activation, parametric=True, signs="+")])
    for values, own in zip(network.parameters, (1, 0, slope), strict=True):
        values[...] = own
    # Where a term of z + slope * (f(z) - z) passes a power of two, its last bit is another one.
    near = np.outer([1, 1 / 0.99, 1 / slope, 1 / 0.99 / slope], 1 + np.arange(-300, 300) * 2.0**-24)
    rows = -np.unique(near.astype(np.float32))[::-1, None]
    assert (np.diff(network.forward(rows), axis=0) >= 0).all()


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Dense(5, 3, signs="+-"), "Dense.signs must hold a sign for each of the 15 weights"),
        (Dense(5, 1, signs="++x++"), "Dense.signs must hold '\\*', '\\+', '-' and '0'"),
        (Scale(5, "+"), "Scale.signs must hold a sign for each of the 5"),
        (Embedding(5, signs="+++++"), "Embedding.signs must hold a sign for each number that has"),
        (Embedding(5, bin_edges=EDGES, signs="+"), "Embedding.signs must hold a sign for each"),
    ],
)
def test_signs_that_do_not_fit(layer, message):
    with pytest.raises(ValueError, match=message):
        Network([layer])
    with pytest.raises(TypeError, match="signs must be a string"):
        Network([Dense(2, 1, signs=[1, 1])])
