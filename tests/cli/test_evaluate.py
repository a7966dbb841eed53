"""fastmlp evaluate: scores are scikit-learn's."""

import pandas as pd
import pytest
from houses import FAST, houses
from sklearn import metrics

import fastmlp
from fastmlp import Regressor

NEW = houses(40, seed=2)


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    path = tmp_path_factory.mktemp("new") / "new.csv"
    NEW.assign(heavy=NEW.index + 1.0).to_csv(path, index=False)
    return path


def answers(path):
    model = fastmlp.load(path)
    X = NEW[model.feature_names_in_.tolist()]
    return model.predict(X), model.predict_proba(X) if hasattr(model, "classes_") else None


def test_numbers(run, trained, new):
    path = trained("price")
    result = run("evaluate", path, new, "--json", "--weight", "heavy")
    predicted, _ = answers(path)
    own = (NEW["price"], predicted)
    weight = {"sample_weight": NEW.index + 1.0}
    assert result.json == {
        "rows": 40,
        "scores": {
            "price": {
                "R2": pytest.approx(metrics.r2_score(*own, **weight)),
                "RMSE": pytest.approx(metrics.root_mean_squared_error(*own, **weight)),
                "MAE": pytest.approx(metrics.mean_absolute_error(*own, **weight)),
            }
        },
    }


@pytest.mark.parametrize("target", ["sold", "garden", "town"])
def test_classes(run, trained, new, target):
    path = trained(target)
    known = NEW[NEW[target].notna()]
    predicted, probabilities = answers(path)
    rows = known.index
    result = run("evaluate", path, new, "--json").json
    scores = result["scores"][target]
    assert result["rows"] == len(rows)
    assert scores["accuracy"] == pytest.approx((predicted[rows] == known[target]).mean())
    wanted = metrics.log_loss(known[target], probabilities[rows])
    assert scores["log loss"] == pytest.approx(wanted)
    most = known[target].value_counts().max() / len(rows)
    assert scores["accuracy of the most frequent class"] == pytest.approx(most)
    of_second = probabilities[rows, 1] if target != "town" else probabilities[rows]
    area = metrics.roc_auc_score(known[target], of_second, multi_class="ovr")
    assert scores["ROC AUC"] == pytest.approx(area)


def test_quantiles(run, trained, new):
    path = trained("price", "--quantile", "0.1", "--quantile", "0.9")
    scores = run("evaluate", path, new, "--json").json["scores"]["price"]
    predicted, _ = answers(path)
    assert scores["share of rows below 0.1"] == (NEW["price"] <= predicted[:, 0]).mean()
    wanted = metrics.mean_pinball_loss(NEW["price"], predicted[:, 1], alpha=0.9)
    assert scores["pinball loss of 0.9"] == pytest.approx(wanted)


def test_several_targets_as_text(run, trained, new):
    result = run("evaluate", trained("price", "--target", "area"), new)
    lines = result.out.splitlines()
    assert lines[0] == f"35 rows of {new}"  # the others have no area
    first = [line.split()[0] for line in lines[1:]]
    assert first == ["price", "R2", "RMSE", "MAE", "area", "R2", "RMSE", "MAE"]


def test_a_model_of_python_knows_its_targets(run, table, new, tmp_path):
    path, targets = tmp_path / "m.safetensors", ["price", "rooms"]
    model = Regressor(preset="plain", max_iter=2, random_state=0)
    model.fit(table[["agent"]], table[targets]).save(path)
    assert [*run("evaluate", path, new, "--json").json["scores"]] == targets
    run("predict", path, new, "-o", tmp_path / "p.parquet")
    assert [*pd.read_parquet(tmp_path / "p.parquet")] == ["prediction_price", "prediction_rooms"]


def test_another_name_of_the_target(run, trained, tmp_path):
    path = tmp_path / "renamed.parquet"
    NEW.rename(columns={"price": "cost"}).to_parquet(path)
    result = run("evaluate", trained("price"), path, "--target", "cost", "--json")
    assert set(result.json["scores"]) == {"cost"}


@pytest.mark.parametrize("targets", [["price"], ["price", "--target", "area"], ["sold"]])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_folder_has_the_scores_of_its_rows(run, trained, new, targets, suffix, tmp_path):
    pytest.importorskip("datasketches")
    table = pd.read_csv(new)
    for part, rows in enumerate((table[:15], table[15:])):
        path = tmp_path / f"{part}.{suffix}"
        rows.to_csv(path, index=False) if suffix == "csv" else rows.to_parquet(path)
    model, options = trained(*targets), ("--weight", "heavy", "--json")
    assert run("evaluate", model, tmp_path, *options).json == (
        run("evaluate", model, new, *options).json
    )


def test_what_is_wrong_with_a_folder(run, trained, tmp_path):
    pytest.importorskip("datasketches")
    model = trained("price")
    NEW.assign(price=None).to_csv(tmp_path / "new.csv", index=False)
    for options, status, message in [
        ((), 1, "no row has a 'price'"),
        (("--target", "prize"), 1, "no column 'prize'"),
        (("--decimal", ","), 2, "--encoding and --decimal cannot be used with a folder"),
    ]:
        result = run("evaluate", model, tmp_path, *options)
        assert result.status == status
        assert message in result.err


def test_what_is_wrong(run, trained, new, tmp_path):
    path = tmp_path / "other.csv"
    pd.DataFrame(NEW.assign(sold="perhaps")).to_csv(path, index=False)
    result = run("evaluate", trained("sold"), path)
    assert (result.status, result.err) == (
        1,
        "Error: the target holds 'perhaps', which is not a class of the model\n",
    )
    result = run("evaluate", trained("price"), new, "--target", "prize")
    assert result.status == 1
    assert "has no column 'prize'; did you mean 'price'?" in result.err


def test_the_report_and_evaluate_agree(run, csv, tmp_path):
    """A table of validation rows has the scores that `evaluate` finds for it."""
    path, model = tmp_path / "new.csv", tmp_path / "m.safetensors"
    NEW.to_csv(path, index=False)
    options = ("--target", "price", "--validation", path, "-o", model)
    trained = run("train", csv, *options, *FAST)
    scores = trained.out.partition("Scores of the held-out rows\n")[2].partition("Model")[0]
    assert run("evaluate", model, path).out == f"40 rows of {path}\n{scores}"


@pytest.mark.parametrize(
    ("trained_on", "asked"), [(["price"], ["price", "area"]), (["price", "area"], ["price"])]
)
def test_too_many_or_too_few_targets(run, trained, new, trained_on, asked):
    first, *others = trained_on
    model = trained(first, *(word for name in others for word in ("--target", name)))
    result = run("evaluate", model, new, *(word for name in asked for word in ("--target", name)))
    assert result.status == 2
    assert f"predicts {len(trained_on)} target" in result.err
    assert f"got {len(asked)}: [" in result.err
