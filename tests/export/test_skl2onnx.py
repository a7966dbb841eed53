"""skl2onnx converts pipelines that end in our estimators, as those that end in scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
from exported_models import MLP, NUMBER, ONE, PLAIN, THREE, assert_close, expected
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import Classifier, Regressor
from fastmlp.neural_network import MLPClassifier, MLPRegressor

onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

ESTIMATORS = {
    Regressor: ONE,
    Classifier: ONE,
    MLPRegressor: MLP,
    MLPClassifier: MLP,
}


def outputs(exported, feed):
    session = onnxruntime.InferenceSession(exported.SerializeToString())
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(None, feed), strict=True))


def assert_exported(model, frame, columns=None):
    """What is exported from these columns, in this order, predicts as the model does."""
    columns = [*frame] if columns is None else columns
    feed = {name: frame[[name]].to_numpy() for name in columns}
    found = outputs(skl2onnx.to_onnx(model, frame[:1][columns]), feed)
    assert_close(found["variable"][:, 0], model.predict(frame))


@pytest.fixture(params=ESTIMATORS, ids=lambda kind: kind.__name__)
def estimator(request):
    return request.param(**ESTIMATORS[request.param])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pipelines_convert(estimator, dtype):
    X = PLAIN.astype(dtype)
    pipeline = make_pipeline(StandardScaler(), estimator).fit(X, THREE)
    is_classifier = hasattr(pipeline, "predict_proba")
    options = {id(estimator): {"zipmap": False}} if is_classifier else None
    exported = skl2onnx.to_onnx(pipeline, X[:1], options=options, target_opset=15)
    found = outputs(exported, {"X": X})
    predicted = expected(pipeline, X)
    numbers = found["probabilities" if is_classifier else "variable"]
    assert numbers.dtype == dtype
    assert_close(numbers.reshape(predicted.shape), predicted)
    if is_classifier:
        np.testing.assert_array_equal(found["label"], pipeline.predict(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("labels", [["a", "b", "c"], [0, 1, 2], [0.0, 1.0, 2.0]])
def test_probabilities_as_maps(labels):
    X = PLAIN.astype(np.float32)
    model = MLPClassifier(**MLP).fit(X, np.array(labels)[THREE])
    found = outputs(skl2onnx.to_onnx(model, X[:1]), {"X": X})
    assert_close(pd.DataFrame(found["output_probability"]).to_numpy(), model.predict_proba(X))
    np.testing.assert_array_equal(found["output_label"], model.predict(X))


def test_frames_with_text():
    frame = pd.DataFrame(PLAIN, columns=["a", "b", "c"]).assign(
        town=np.where(PLAIN[:, 1] > 0, "Ulm", "Gera")
    )
    model = Regressor(**ONE).fit(frame, NUMBER)
    assert_exported(model, frame)


def test_a_frame_of_one_column_of_text():
    frame = pd.DataFrame({"town": np.where(PLAIN[:, 1] > 0, "Ulm", "Gera")})
    model = Regressor(**ONE).fit(frame, NUMBER)
    assert_exported(model, frame)


def test_constant_columns_are_not_read():
    frame = pd.DataFrame(PLAIN, columns=["a", "b", "c"]).assign(b="Ulm")
    model = Regressor(**ONE).fit(frame, NUMBER)
    assert_exported(model, frame)


def test_inputs_in_another_order():
    frame = pd.DataFrame(PLAIN, columns=["a", "b", "c"])
    model = Regressor(**ONE).fit(frame, NUMBER)
    assert_exported(model, frame, [*"cab"])


def test_columns_that_a_transformer_passes_on():
    frame = pd.DataFrame(PLAIN, columns=["a", "b", "c"])
    scaled = make_column_transformer((StandardScaler(), ["a"]), remainder="passthrough")
    pipeline = make_pipeline(scaled, Regressor(**ONE)).fit(frame, NUMBER)
    assert_exported(pipeline, frame)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_subclasses_convert():
    class OwnRegressor(MLPRegressor):
        pass

    model = OwnRegressor(**MLP).fit(PLAIN, NUMBER)
    found = outputs(skl2onnx.to_onnx(model, PLAIN[:1]), {"X": PLAIN})
    assert_close(found["variable"][:, 0], model.predict(PLAIN), "float64")


def test_opsets_that_are_too_old_are_refused():
    model = Regressor(**ONE).fit(PLAIN, NUMBER)
    with pytest.raises(ValueError, match="target_opset must be at least 13"):
        skl2onnx.to_onnx(model, PLAIN[:1], target_opset=12)


def test_inputs_of_another_number_are_refused():
    frame = pd.DataFrame(PLAIN, columns=["a", "b", "c"])
    model = Regressor(**ONE).fit(frame, NUMBER)
    with pytest.raises(ValueError, match="fitted on 3 columns; got 2 inputs"):
        skl2onnx.to_onnx(model, frame[:1][["a", "b"]])
