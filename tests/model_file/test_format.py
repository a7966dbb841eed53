"""docs/model-file.md is enough to read a file: a reader written from it, with NumPy and JSON."""

import json
from itertools import count

import numpy as np
import pytest
from safetensors.numpy import load
from saved_models import EVERY_COLUMN, FEW, MAKERS, NUMBER, X, outputs, saved, saved_model
from scipy.special import erf, expit, softmax
from sparse_tables import sparse_table

import fastmlp
from fastmlp import Regressor

ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "selu": lambda z: (
        1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0)))
    ),
    "gelu": lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,
    "silu": lambda z: z * expit(z),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "tanh": np.tanh,
    "logistic": expit,
    "softplus": lambda z: np.log1p(np.exp(z)),
}


def mean_and_square(z):
    """Of the Gaussians of one network."""
    means, raw = np.split(z, 2, axis=1)
    return np.hstack([means, (np.log1p(np.exp(raw)) + 0.001) ** 2 + means**2])


def steps_up(z):
    """The probabilities of classes in order."""
    above = np.pad(expit(z), ((0, 0), (0, 1)))
    reached = np.cumprod(np.pad(above[:, :-1], ((0, 0), (1, 0)), constant_values=1), axis=1)
    return reached * (1 - above)


LINKS = {
    "identity": lambda z: z,
    "exponential": np.exp,
    "logistic": expit,
    "softmax": lambda z: softmax(z, axis=1),
    "gaussian": mean_and_square,
    "continuation_ratio": steps_up,
}


def probabilities(mean, temperature):
    """Of classes of which each row has one."""
    one = mean.shape[1] == 1
    found = np.hstack([1 - mean, mean]) if one else mean / mean.sum(1)[:, None]
    return softmax(np.log(found) / temperature, axis=1)


class Reader:
    """Predicts rows as the page describes it."""

    def __init__(self, data: bytes) -> None:
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        self.document = json.loads(metadata["fastmlp"])
        self.tensors = load(data)
        self.pipeline = self.document["pipeline"]

    def tensor(self, name):
        """A tensor, or its whole numbers if it is stored in fewer bytes."""
        array = self.tensors[name]
        if array.dtype == np.uint16:
            array = (array.astype(np.uint32) << 16).view(np.float32)
        if array.dtype == np.int8:
            array = array * self.tensors[f"{name}.scale"]
        return array.astype(np.float64)

    def encode(self, frame):
        """Columns of numbers and labels; columns with a reader are not in these tests."""
        encoder = self.pipeline["encoder"]
        if encoder["kind"] == "sparse":
            rows = frame.toarray()
            if "encoder.position" in self.tensors:
                rows = rows[:, self.tensors["encoder.position"] >= 0]
            return rows * self.tensors.get("encoder.scale", 1.0)
        if encoder["columns"] is None:
            return np.asarray(frame, dtype=np.float64)
        numbers, missing, flags, codes = [], [], [], []
        for column, values in zip(encoder["columns"], frame.to_numpy(object).T, strict=True):
            values = [None if value is None or value != value else value for value in values]
            kind, labels = column["kind"], column["categories"]
            if kind == "numeric":
                assert column["reader"] is None
                numbers.append(np.array([np.nan if v is None else v for v in values], float))
                if column["missing"]:
                    missing.append(np.isnan(numbers[-1]))
                continue
            of = dict(zip(labels, (-1, 1) if kind == "binary" else count(1), strict=False))
            found = [of.get(value, 0) for value in values]
            (codes if kind == "category" else flags).append(found)
        return np.array([*numbers, *missing, *flags, *codes], dtype=float).T

    def predict(self, frame):
        """Numbers or probabilities."""
        decoder = self.pipeline["decoder"]
        mean, beyond = self._mean(frame)
        if self.pipeline["link"] == "gaussian":
            mean = np.split(mean, 2, axis=1)[0]
        if decoder["kind"] == "regression":
            return self._numbers(mean, decoder, beyond)
        if decoder["kind"] == "multioutput":
            parts = zip(self._heads(mean), decoder["temperatures"], strict=True)
            return np.hstack([probabilities(own, temperature) for own, temperature in parts])
        if "decoder.ranks" in self.tensors:
            mean = mean[:, self.tensors["decoder.ranks"]]
        temperature = np.array(decoder["temperature"])
        if decoder["multilabel"]:
            return expit((np.log(mean) - np.log1p(-mean)) / temperature)
        return probabilities(mean, temperature)

    def std(self, frame):
        """Standard deviations, with the link "gaussian"."""
        means, squares = np.split(self._mean(frame)[0], 2, axis=1)
        return np.sqrt(squares - means**2) * self.tensors["decoder.unit"]

    def _mean(self, frame):
        """Outputs of all networks after the link, and what the linear part adds to limits."""
        pipeline = self.pipeline
        x = self.encode(frame)
        added, beyond = 0.0, 0.0
        if pipeline["linear"] is not None:
            x, added, beyond = self._linear(x)
        x = self._scaled(x, "scaling", pipeline["scaling"])
        outputs, weights = [], self.tensors["weights"]
        for i in range(len(pipeline["networks"])):
            outputs.append(self._linked(self._network(i, x) + added))
        return np.average(outputs, axis=0, weights=weights), beyond

    def _linked(self, z):
        link = LINKS[self.pipeline["link"]]
        if self.pipeline["decoder"]["kind"] == "multioutput":
            return np.hstack([link(own) for own in self._heads(z)])
        return link(z)

    def _heads(self, outputs):
        """The outputs of each column of labels."""
        sizes = [len(own["values"]) for own in self.pipeline["decoder"]["classes"]]
        return np.split(outputs, np.cumsum(sizes)[:-1], axis=1)

    def interval(self, frame, coverage):
        """Of each row, of one output without groups and weights."""
        conformal, predicted = self.pipeline["conformal"], self.predict(frame)
        assert (conformal["kind"], conformal["groups"]) == ("intervals", None)
        scores, level = self.tensors["conformal.scores"], (1 + coverage) / 2
        rank = int(np.ceil(level * (len(scores) + 1) - 1e-9))
        low, high = (-np.sort(-scores, axis=0)[rank - 1], np.sort(scores, axis=0)[rank - 1])
        if conformal["quantiles"]:
            quantiles = np.array(conformal["quantiles"])
            first, last = (np.abs(quantiles - end).argmin() for end in (1 - level, level))
            return np.column_stack(
                [predicted[:, first] + low[first], predicted[:, last] + high[last]]
            )
        size = 1.0
        if "conformal.difficulty.error" in self.tensors:
            points = (
                self.tensors[f"conformal.difficulty.{name}"][0] for name in ("predicted", "error")
            )
            size = np.interp(predicted, *points)
        return np.column_stack([predicted + low * size, predicted + high * size])

    def _numbers(self, mean, decoder, beyond):
        found = mean * self.tensors["decoder.unit"] + self.tensors["decoder.shift"]
        if "decoder.lowest" in self.tensors:
            low, high = self.tensors["decoder.lowest"], self.tensors["decoder.highest"]
            if decoder["moves"]:
                low, high = low + np.minimum(beyond, 0), high + np.maximum(beyond, 0)
            found = np.clip(found, low, high)
        found = np.sort(found, axis=1) if decoder["sorts"] else found
        return found[:, 0] if decoder["one_dimensional"] and not decoder["sorts"] else found

    def _scaled(self, x, name, scaling):
        if scaling is None:
            return x
        if f"{name}.shift" in self.tensors:
            x = (x - self.tensors[f"{name}.shift"]) * self.tensors[f"{name}.scale"]
        x = np.nan_to_num(x)
        if scaling["clips"]:
            n = self.tensors["training_range.low"].size  # columns of numbers
            x[:, :n] = x[:, :n] / np.sqrt(1 + (x[:, :n] / 3) ** 2)
        return x

    def _linear(self, x):
        low, high = self.tensors["training_range.low"], self.tensors["training_range.high"]
        n = low.size
        inside = np.hstack([np.clip(x[:, :n], low, high), x[:, n:]])

        def value(rows):
            z = (rows[:, :n] - self.tensors["linear.scaling.shift"]) * self.tensors[
                "linear.scaling.scale"
            ]
            z = np.clip(np.nan_to_num(z), self.tensors["linear.low"], self.tensors["linear.high"])
            return z @ self.tensors["linear.coef"]

        beyond = value(x) - value(inside)
        unit = self.tensors.get("decoder.unit", 1.0)
        share = self.pipeline["linear"]["share"]
        return inside, (share * value(inside) + beyond) / unit, beyond

    def _network(self, i, x):
        for k, layer in enumerate(self.pipeline["networks"][i]["layers"]):
            at = f"networks.{i}.{k}"
            if layer["kind"] == "embedding":
                x = self._embedding(at, layer, x)
            elif layer["kind"] == "scale":
                x = x * self.tensor(f"{at}.scale")
            elif layer["kind"] == "dense":
                z = x @ self.tensor(f"{at}.weights") + self.tensor(f"{at}.bias")
                x = ACTIVATIONS[layer["activation"]](z)
                if layer["parametric"]:
                    x = z + self.tensor(f"{at}.slopes") * (x - z)
        return x

    def _embedding(self, at, layer, x):
        n = layer["n_numbers"]
        numbers, flags = x[:, :n], x[:, n : n + layer["n_flags"]]
        codes = x[:, n + layer["n_flags"] :].astype(int)
        parts = []
        if layer["periodic"] and n:
            weights, bias = (self.tensor(f"{at}.periodic_{name}") for name in ("weights", "bias"))
            phase = 2 * np.pi * numbers[:, None] * weights[:16] + bias[:16]
            for k in range(3):
                own = weights[16 * (k + 1) : 16 * (k + 2)]
                parts.append((np.cos(phase) * own).sum(axis=1) + bias[16 + k])
        if layer["bin_edges"] is not None:
            edges = self.tensors[layer["bin_edges"]].T
            widths = np.diff(edges, axis=0)
            with np.errstate(divide="ignore", invalid="ignore"):
                passed = np.clip((numbers[:, None] - edges[:-1]) / widths, 0, 1)
            passed = np.where(widths > 0, passed, 0)
            weights = self.tensor(f"{at}.piecewise_linear_weights")
            for own in np.split(weights, 4):
                parts.append((passed * own).sum(axis=1))
        parts += [numbers, flags]
        for j, (size, width) in enumerate(layer["categories"]):
            if width:
                parts.append(self.tensor(f"{at}.vectors.{j}")[codes[:, j]])
            else:
                parts.append(codes[:, [j]] == np.arange(1, size + 1))
        return np.hstack(parts)


@pytest.mark.parametrize("name", MAKERS)
def test_predictions(name):
    model, rows, _ = saved_model(name)
    if name == "columns":  # of text and dates, which the page leaves to Python
        model, rows = few_columns()
    found = Reader(saved(model)).predict(rows)
    np.testing.assert_allclose(found, outputs(model, rows), rtol=1e-4, atol=1e-4)


def test_standard_deviations():
    model, rows, _ = saved_model("gaussian")
    _, expected = model.predict(rows, return_std=True)
    np.testing.assert_allclose(Reader(saved(model)).std(rows), expected, rtol=1e-4)


def test_the_class_of_least_cost():
    model, rows, _ = saved_model("costs")
    file = Reader(saved(model))
    costs = file.predict(rows) @ file.tensors["decoder.cost_matrix"]
    found = np.array(file.pipeline["decoder"]["classes"]["values"])[costs.argmin(axis=1)]
    np.testing.assert_array_equal(found, model.predict(rows))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8"])
@pytest.mark.parametrize("name", ["two outputs", "classes", "MLP"])
def test_fewer_bytes(name, dtype):
    model, rows, _ = saved_model(name)
    data = saved(model, dtype=dtype)
    expected = outputs(fastmlp.load(data), rows)
    np.testing.assert_allclose(Reader(data).predict(rows), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("quantile", [0.5, [0.1, 0.5, 0.9]])
def test_intervals(quantile):
    rng = np.random.default_rng(0)
    rows, y = rng.normal(size=(120, 3)), rng.normal(size=120)
    options = {"hidden_layer_sizes": 4, "max_iter": 2, "n_estimators": 2, "random_state": 0}
    model = Regressor(**options, loss="quantile", quantile=quantile, validation_fraction=0.5)
    found = Reader(saved(model.fit(rows, y))).interval(rows, 0.8)
    np.testing.assert_allclose(found, model.predict_interval(rows, 0.8), rtol=1e-4, atol=1e-4)


def few_columns():
    rows = EVERY_COLUMN[[*FEW, "integer", "binary", "flag"]]
    options = {"hidden_layer_sizes": 4, "max_iter": 3, "n_estimators": 2, "random_state": 0}
    return Regressor(extrapolation="linear", **options).fit(rows, NUMBER), rows


def test_predictions_beyond_the_training_range():
    for name in ("two outputs", "object classes"):
        model = saved_model(name)[0]
        found = Reader(saved(model)).predict(3 * X)
        np.testing.assert_allclose(found, outputs(model, 3 * X), rtol=1e-4, atol=1e-4)


def test_checksum():
    """As the page defines it."""
    from hashlib import sha256

    data = saved(saved_model("labels")[0], dtype="int8")
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    text = header.pop("__metadata__")["fastmlp"]
    digest = json.loads(text)["sha256"]
    content = text.replace(digest, "0" * 64).encode()
    for name in sorted(header):
        own = header[name]
        first, last = own["data_offsets"]
        shape = ",".join(map(str, own["shape"]))
        content += f"\n{name} {own['dtype']} {shape}\n".encode()
        content += data[8 + length + first : 8 + length + last]
    assert sha256(content).hexdigest() == digest


def test_sparse_rows_with_columns_that_are_left_out():
    table = sparse_table(40, 12).tolil()
    table[:, [2, 5]] = 0
    model = Regressor(n_estimators=1, max_iter=2, random_state=0).fit(table.tocsr(), NUMBER)
    file = Reader(saved(model))
    assert (file.tensors["encoder.position"] == -1).sum() == 2
    found = file.predict(table.tocsr())
    np.testing.assert_allclose(found, model.predict(table.tocsr()), rtol=1e-4, atol=1e-4)
