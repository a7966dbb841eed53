"""The service answers with what the model predicts, and refuses rows that the model cannot read."""

import json
from concurrent.futures import ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from houses import houses
from service import Service

from fastmlp import Regressor, __version__
from fastmlp.serving import app_from_environment, create_app

NEW = houses(40, seed=1).drop(columns="sold")


def rows_for(target, table=NEW):
    """Rows as JSON holds them, with null for missing values."""
    inputs = table.drop(columns=[target, "id"])
    return inputs.astype(object).where(inputs.notna(), None).to_dict("records")


def test_rows_are_answered_with_what_the_model_predicts(client_of, models):
    client, rows = client_of("price"), rows_for("price")
    wanted = models["price"].predict(NEW.drop(columns=["price", "id"])).tolist()
    batch = client.post("/predict/batch", rows)
    assert batch.status == 200
    assert [answer["prediction"] for answer in batch.body] == wanted
    assert client.post("/predict", rows[0]).body == {"prediction": wanted[0]}


@pytest.mark.parametrize(
    ("target", "names"), [("garden", ["false", "true"]), ("town", ["Gera", "Köln", "Ulm"])]
)
def test_classes_have_probabilities(client_of, models, target, names):
    client, model = client_of(target), models[target]
    X = NEW.drop(columns=[target, "id"])
    answers = client.post("/predict/batch", rows_for(target)).body
    assert [answer["prediction"] for answer in answers] == model.predict(X).tolist()
    found = [[answer["probabilities"][name] for name in names] for answer in answers]
    np.testing.assert_array_equal(found, model.predict_proba(X))
    assert client.post("/predict", rows_for(target)[3]).body == answers[3]


def test_concurrent_requests(client_of):
    client, rows = client_of("price"), rows_for("price")
    wanted = [answer["prediction"] for answer in client.post("/predict/batch", rows).body]

    def one(i):
        if i % 4 == 0:
            answers = client.post("/predict/batch", rows[: i + 1]).body
            return [answer["prediction"] for answer in answers] == wanted[: i + 1]
        return client.post("/predict", rows[i]).body["prediction"] == wanted[i]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, [*range(40)] * 2))


def test_no_rows(client_of):
    assert client_of("price").post("/predict/batch", []).body == []


def test_missing_values(client_of, models):
    client, row = client_of("price"), rows_for("price")[1]
    X = NEW.drop(columns=["price", "id"])[1:2].assign(area=np.nan, town=None, built=None)
    [wanted] = models["price"].predict(X)
    nothing = row | {"area": None, "town": None, "built": None}
    for no_date in (None, "", "n/a", "NaT"):
        found = client.post("/predict", nothing | {"built": no_date})
        assert found.body == {"prediction": wanted}
    assert client.post("/predict", nothing | {"area": float("nan")}).body["prediction"] == wanted


def test_a_town_that_is_new(client_of):
    row = rows_for("price")[0] | {"town": "Bonn"}
    assert client_of("price").post("/predict", row).status == 200


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"area": "80"}, "area"),
        ({"area": True}, "area"),
        ({"area": [80]}, "area"),
        ({"area": float("inf")}, "area"),
        ({"town": 3}, "town"),
        ({"garden": "yes"}, "garden"),
        ({"garden": 1}, "garden"),
        ({"built": "yesterday"}, "built"),
        ({"built": 2001}, "built"),
        ({"colour": "red"}, "colour"),
        ({"rooms": ...}, "rooms"),
    ],
)
def test_wrong_rows_are_refused_with_the_name_of_the_column(client_of, change, column):
    client, right = client_of("price"), rows_for("price")[0]
    wrong = {name: value for name, value in {**right, **change}.items() if value is not ...}
    for response in (client.post("/predict", wrong), client.post("/predict/batch", [right, wrong])):
        assert response.status == 422
        [problem] = response.body["detail"]
        assert column in problem["loc"] or repr(column) in problem["msg"]


@pytest.mark.parametrize("body", ["", "{", "[]", '"a"', "null", '{"a": 1, "a": 2}'])
def test_what_is_no_row(client_of, body):
    response = client_of("price").post("/predict", body)
    assert response.status == 422
    assert response.body["detail"][0]["loc"][0] == "body"


def test_the_model_is_described(client_of, models):
    about = client_of("town").get("/model").body
    kinds = {column["name"]: column["kind"] for column in about["columns"]}
    assert kinds == {
        "area": "number",
        "rooms": "number",
        "garden": "boolean",
        "built": "date",
        "agent": "number",
        "price": "number",
    }
    assert about["kind"] == "Classifier"
    assert about["task"] == "classification"
    assert about["targets"] == ["town"]
    assert about["classes"] == ["Gera", "Köln", "Ulm"]
    assert about["version"] == __version__
    assert len(about["digest"]) == 64


def test_the_schema_has_the_columns(client_of):
    body = client_of("price").get("/openapi.json").body["paths"]["/predict"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == {"area", "rooms", "town", "garden", "built", "agent"}
    assert schema["additionalProperties"] is False


def references(document):
    """All references in a JSON document."""
    if isinstance(document, list):
        return [one for value in document for one in references(value)]
    if not isinstance(document, dict):
        return []
    own = [document["$ref"]] if "$ref" in document else []
    return own + references([*document.values()])


def test_the_schema_refers_to_what_it_has(client_of):
    document = client_of("price").get("/openapi.json").body
    for reference in references(document):
        found = document
        for key in reference.removeprefix("#/").split("/"):
            found = found[key]
    body = document["paths"]["/predict/batch"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert "area" in schema["items"]["properties"]


def test_numbers_as_text(tmp_path):
    table = pd.DataFrame({"price": [f"${1000 + i:,}" for i in range(40)]})
    model = Regressor(preset="plain", max_iter=2, random_state=0).fit(table, np.arange(40.0))
    model.save(tmp_path / "text.safetensors")
    with Service(create_app(tmp_path / "text.safetensors")) as client:
        as_text, as_number = (client.post("/predict", {"price": one}) for one in ("$1,020", 1020))
        assert as_text.body == as_number.body == {"prediction": model.predict(table)[20]}
        [problem] = client.post("/predict", {"price": "much"}).body["detail"]
    assert problem["loc"] == ["body", "price"]
    assert "must be a number" in problem["msg"]


def test_several_outputs_have_their_names(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = Regressor(preset="plain", max_iter=2, random_state=0).fit(X, X)
    path = tmp_path / "two.safetensors"
    for notes, names in ((None, ["0", "1"]), ({"outputs": ["a", "b"]}, ["a", "b"])):
        model.save(path, notes=notes)
        with Service(create_app(path)) as client:
            answer = client.post("/predict", X[0].tolist()).body
            batch = client.post("/predict/batch", X[:3].tolist()).body
            short = client.post("/predict", [1.0])
        assert list(answer["prediction"]) == names
        found = [list(one["prediction"].values()) for one in batch]
        np.testing.assert_array_equal(found, model.predict(X[:3]))
        assert short.status == 422


@pytest.fixture
def file(models, tmp_path):
    path = tmp_path / "model.safetensors"
    models["price"].save(path)
    return path


def served(client):
    return client.get("/model").body["kind"]


def test_reload(file, models):
    with Service(create_app(file, check_seconds=3600)) as client:
        assert served(client) == "Regressor"
        models["town"].save(file)
        response = client.post("/reload")
        assert response.status == 200
        assert response.body == {"digest": client.get("/model").body["digest"]}
        assert served(client) == "Classifier"
        assert "probabilities" in client.post("/predict", rows_for("town")[0]).body
        assert client.post("/predict", rows_for("price")[0]).status == 422


@pytest.mark.parametrize("broken", [b"broken", None], ids=["broken", "no file"])
def test_a_broken_file_leaves_the_model_in_service(file, models, broken):
    with Service(create_app(file, check_seconds=3600)) as client:
        wanted = client.post("/predict", rows_for("price")[0]).body
        contents = file.read_bytes()
        file.unlink()
        if broken:
            file.write_bytes(broken)
        response = client.post("/reload")
        assert response.status == 409
        assert response.body["detail"].startswith("the model in service stays: ")
        assert client.get("/health").body["reload_error"] in response.body["detail"]
        assert str(file.parent) not in response.body["detail"]  # clients need not know paths
        assert client.post("/predict", rows_for("price")[0]).body == wanted
        file.write_bytes(contents)
        assert client.post("/reload").status == 200
        assert client.get("/health").body == {"status": "ok", "reload_error": None}


def test_a_new_file_is_noticed(file, models):
    with Service(create_app(file, check_seconds=0.001)) as client:
        models["town"].save(file)
        while served(client) != "Classifier":
            pass
        file.write_bytes(b"broken")
        while client.get("/health").body["reload_error"] is None:
            pass
        assert served(client) == "Classifier"


def test_requests_during_reloads(file, models):
    """Each answer is that of one of the models, whole."""
    rows = rows_for("price")[:5]
    other = Regressor(preset="plain", hidden_layer_sizes=4, max_iter=2, random_state=1)
    table = houses(80).drop(columns=["sold", "id"])
    other.fit(table.drop(columns="price"), table["price"])
    X = pd.DataFrame(rows)
    wanted = [model.predict(X).tolist() for model in (models["price"], other)]
    with Service(create_app(file, check_seconds=3600)) as client, ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(client.post, "/predict/batch", rows) for _ in range(40)]
        for model in (other, models["price"]) * 3:
            model.save(file)
            assert client.post("/reload").status == 200
        for one in asked:
            assert [answer["prediction"] for answer in one.result().body] in wanted


def test_the_environment(file, monkeypatch):
    monkeypatch.setenv("FASTMLP_MODEL", str(file))
    monkeypatch.setenv("FASTMLP_MAX_REQUEST_MB", "0.0001")
    with Service(app_from_environment()) as client:
        assert served(client) == "Regressor"
        assert client.post("/predict/batch", rows_for("price")).status == 413


def test_requests_have_a_largest_size(file):
    row = json.dumps(rows_for("price")[0])
    with Service(create_app(file, max_request_mb=1e-3)) as client:
        full = row[:-1] + " " * (1000 - len(row)) + "}"
        assert client.post("/predict", full).status == 200
        for path, body, size in (
            ("/predict", full + 10 * " ", "0.00101"),
            ("/predict/batch", f"[{full}]" + " " * 10**7, "10.001"),
        ):
            response = client.post(path, body)
            assert response.status == 413
            assert response.body["detail"].startswith(
                f"the request has {size} MB and may have 0.001"
            )
        assert client.post("/predict", row).status == 200


def test_the_example_adds_a_key(file):
    path = Path(__file__).parents[2] / "examples" / "serve" / "app.py"
    spec = spec_from_file_location("serve_example", path)
    example = module_from_spec(spec)
    spec.loader.exec_module(example)
    with Service(example.keyed_app(str(file), "secret")) as client:
        assert client.get("/model").status == 401
        assert client.get("/health").status == 200
        client.headers["X-Key"] = "secret"
        assert client.post("/predict", rows_for("price")[0]).status == 200
