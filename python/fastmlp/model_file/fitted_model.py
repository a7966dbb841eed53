"""FittedModel in a model file: its pipeline, and what further training needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.out_of_fold import OutOfFold
from fastmlp.ensemble.splits import AssignmentSeed
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.model_file.draft import Draft, NotStorable
from fastmlp.model_file.envelope import Contents, closed
from fastmlp.model_file.fields import (
    Fields,
    Kind,
    WrongKind,
    flag,
    integer,
    maybe,
    one_of,
    plain,
    plain_fields,
    real,
    text,
    tuple_of,
)
from fastmlp.model_file.pipeline import read_pipeline, written_pipeline
from fastmlp.model_file.tensors import Tensors
from fastmlp.model_file.training import read_member, written_member
from fastmlp.model_file.values import Values, written_seed, written_value
from fastmlp.prediction.decoders import (
    ClassificationDecoder,
    MultioutputDecoder,
    RegressionDecoder,
)
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.privacy import PrivacyGuarantee
from fastmlp.table.training_range import RangeWatch
from fastmlp.tasks import (
    ClassificationTask,
    MultioutputClassificationTask,
    RegressionTask,
    Task,
)
from fastmlp.tasks.losses import (
    CLASSIFICATION_LOSSES,
    OWN,
    REGRESSION_LOSSES,
    ClassificationLoss,
    RegressionLoss,
)

_PRIVACY: dict[str, Kind[Any]] = {
    "epsilon": real(0),
    "delta": real(0, 1),
    "noise_multiplier": real(0),
    "max_grad_norm": real(0),
    "sampling_rate": real(0, 1),
    "n_steps": integer(1),
}


def packed_fitted_model(model: FittedModel) -> tuple[bytes, tuple[Any, ...]]:
    """The bytes of a file without parameters, and the objects that it cannot hold."""
    draft = Draft(takes_objects=True)
    parts = written_fitted_model(model, draft, include_optimizer=True)
    kind = "Regressor" if isinstance(model.task, RegressionTask) else "Classifier"
    return closed(kind, parts, draft), tuple(draft.objects)


def written_fitted_model(
    model: FittedModel, draft: Draft, *, include_optimizer: bool
) -> dict[str, Any]:
    """The parts of a file that a fitted model is read from."""
    return {
        "provenance": {
            "version": model.version,
            "time": model.time,
            "rows": model.members[0].recipe.spec.n_rows,
            "columns": model.encoder.n_columns,
        },
        "pipeline": written_pipeline(model.pipeline, draft),
        "training": _written_training(model, draft, include_optimizer),
        **({"notes": dict(model.notes)} if model.notes else {}),
    }


def _written_training(model: FittedModel, draft: Draft, include_optimizer: bool) -> dict[str, Any]:
    if model.feature_importances is not None:
        draft.add("feature_importances", np.asarray(model.feature_importances, dtype=np.float64))
    return {
        "members": [
            written_member(member, number, draft, include_optimizer=include_optimizer)
            for number, member in enumerate(model.members)
        ],
        "task": _written_task(model.task, draft),
        "standardize": plain(model.standardize),
        "n_estimators": model.n_estimators,
        "assignment": _written_assignment(model.assignment, draft),
        "fingerprint": None if model.fingerprint is None else model.fingerprint.hex(),
        "fit_seconds": model.fit_seconds,
        **_written_out_of_fold(model.out_of_fold, draft),
        "privacy": None if model.privacy is None else plain_fields(model.privacy, _PRIVACY),
    }


def _written_out_of_fold(out_of_fold: OutOfFold | None, draft: Draft) -> dict[str, Any]:
    if out_of_fold is None:
        return {}
    draft.add("out_of_fold", out_of_fold.predicted)
    if out_of_fold.std is not None:
        draft.add("out_of_fold_std", out_of_fold.std)
    digest = out_of_fold.targets_digest
    return {} if digest is None else {"out_of_fold_targets": digest.hex()}


def _written_assignment(assignment: AssignmentSeed | None, draft: Draft) -> dict[str, Any] | None:
    if assignment is None:
        return None
    try:
        seed = written_seed(assignment.seed, draft)
    except NotStorable:  # a generator of another kind: a warm start assigns the rows again
        return None
    return {"n_estimators": assignment.n_networks, "seed": seed}


def read_fitted_model(contents: Contents) -> FittedModel:
    """The fitted model of a file."""
    document, tensors, values = contents.document, contents.tensors, contents.values
    fields, provenance = document.object("training"), document.object("provenance")
    pipeline = read_pipeline(contents)
    if isinstance(pipeline.decoder, RegressionDecoder) != (contents.kind == "Regressor"):
        raise document.error(f"does not predict what a {contents.kind} predicts")
    members = fields.objects("members")
    if len(members) != len(pipeline.networks):
        raise fields.error(f"describes {len(members)} of {len(pipeline.networks)} networks")
    scaling, watched = pipeline.scaling, pipeline.training_range
    if scaling is None or watched is None:
        raise fields.error("must stand beside a scaling and a training range")
    networks = [
        read_member(own, number, trained, tensors)
        for number, (own, trained) in enumerate(zip(members, pipeline.networks, strict=True))
    ]
    return FittedModel(
        encoder=pipeline.encoder,
        scaling=scaling,
        task=_read_task(fields.object("task"), pipeline, tensors, values),
        ensemble=WeightedEnsemble(networks, scaling, pipeline.link, np.array(pipeline.weights)),
        linear=pipeline.linear,
        watch=RangeWatch(watched),
        standardize=fields.get("standardize", _flag_or("robust")),
        n_estimators=fields.get("n_estimators", integer(1)),
        assignment=_read_assignment(fields, values),
        fingerprint=fields.get("fingerprint", maybe(_digest)),
        fit_seconds=fields.get("fit_seconds", real(0)),
        privacy=_read_privacy(fields),
        out_of_fold=_read_out_of_fold(fields, tensors),
        feature_importances=_numbers_or_none(tensors, "feature_importances"),
        conformal=pipeline.conformal,
        version=provenance.get("version", text),
        time=provenance.get("time", text),
        notes=contents.notes,
    )


def _flag_or(name: str) -> Kind[Any]:
    """True, false, or one name."""

    def kind(value: Any) -> Any:
        if not (isinstance(value, bool) or value == name):
            raise WrongKind(f"true, false or {name!r}")
        return value

    return kind


def _digest(value: Any) -> bytes:
    try:
        return bytes.fromhex(text(value))
    except ValueError:
        raise WrongKind("hexadecimal digits") from None


def _read_out_of_fold(fields: Fields, tensors: Tensors) -> OutOfFold | None:
    predicted = _numbers_or_none(tensors, "out_of_fold")
    if predicted is None:
        return None
    has_digest = fields.has("out_of_fold_targets")  # files of earlier versions lack it
    return OutOfFold(
        predicted,
        std=_numbers_or_none(tensors, "out_of_fold_std"),
        targets_digest=fields.get("out_of_fold_targets", _digest) if has_digest else None,
    )


def _numbers_or_none(tensors: Tensors, name: str) -> NDArray[np.float64] | None:
    return tensors.numbers(name) if name in tensors else None


def _read_assignment(fields: Fields, values: Values) -> AssignmentSeed | None:
    if not fields.has("assignment"):
        return None
    own = fields.object("assignment")
    return AssignmentSeed(own.get("n_estimators", integer(1)), own.get("seed", values.seed))


def _read_privacy(fields: Fields) -> PrivacyGuarantee | None:
    if not fields.has("privacy"):
        return None
    return PrivacyGuarantee(**fields.object("privacy").get_all(_PRIVACY))


# ---- tasks


def _written_task(task: Task, draft: Draft) -> dict[str, Any]:
    """What the decoder does not say about a task."""
    if isinstance(task, RegressionTask):
        draft.add("task.varied", task.varied)
        loss = task.training_loss
        return {
            "loss": loss.name,
            "delta": loss.delta,
            "quantiles": plain(loss.quantiles),
            "tweedie_power": loss.tweedie_power,
            "expectile": loss.expectile,
            "standardizes": task.standardizes,
        }
    assert isinstance(task, ClassificationTask | MultioutputClassificationTask)
    return {
        "label_smoothing": task.training_loss.label_smoothing,
        "class_weight": written_value(task.class_weight, draft),
        "calibrate": task.calibrate,
        "loss": task.training_loss.name,
        "focal_gamma": task.training_loss.focal_gamma,
    }


def _read_task(fields: Fields, pipeline: Pipeline, tensors: Tensors, values: Values) -> Task:
    decoder = pipeline.decoder
    task: Task
    if isinstance(decoder, RegressionDecoder):
        task = _read_regression(fields, decoder, tensors)
    elif isinstance(decoder, ClassificationDecoder):
        task = _read_classification(fields, decoder, values)
    else:
        task = _read_multioutput(fields, decoder, values)
    n_trained = pipeline.networks[0].n_outputs
    if (task.link, task.n_network_outputs) != (pipeline.link, n_trained):
        raise fields.error(
            f"has networks of {task.n_network_outputs} outputs and the link {task.link.name}; "
            f"there are {n_trained}, and the link is {pipeline.link.name}"
        )
    return task.with_target_names(pipeline.target_names)


def _read_classification(
    fields: Fields, decoder: ClassificationDecoder, values: Values
) -> ClassificationTask:
    if decoder.classes.size < 2 and not decoder.multilabel:
        raise fields.error("must have at least two classes")
    return ClassificationTask(
        decoder.classes,
        decoder.multilabel,
        **_of_classes(fields, values),
        temperature=decoder.temperature,
        cost_matrix=decoder.cost_matrix,
        ranks=decoder.ranks,
    )


def _read_multioutput(
    fields: Fields, decoder: MultioutputDecoder, values: Values
) -> MultioutputClassificationTask:
    return MultioutputClassificationTask(
        decoder.classes, **_of_classes(fields, values), temperatures=decoder.temperatures
    )


def _of_classes(fields: Fields, values: Values) -> dict[str, Any]:
    """What all classifications have."""
    loss = ClassificationLoss(
        fields.get("loss", one_of(CLASSIFICATION_LOSSES)) if "loss" in fields else "log_loss",
        label_smoothing=fields.get("label_smoothing", real(0, 1)),
        **_later_fields(fields, {"focal_gamma": real(0)}),
    )
    return {
        "training_loss": loss,
        "class_weight": fields.get("class_weight", values.value),
        "calibrate": fields.get("calibrate", _flag_or("auto")),
    }


def _later_fields(fields: Fields, kinds: Mapping[str, Kind[Any]]) -> dict[str, Any]:
    """Those of these fields that the file has: older ones lack them."""
    return fields.get_all({name: kind for name, kind in kinds.items() if name in fields})


def _read_regression(
    fields: Fields, decoder: RegressionDecoder, tensors: Tensors
) -> RegressionTask:
    quantiles = fields.get("quantiles", tuple_of(real(0, 1)))
    loss = RegressionLoss(
        fields.get("loss", one_of((*REGRESSION_LOSSES, OWN))),
        fields.get("delta", real(0)),
        quantiles if decoder.sorts or not quantiles else quantiles[0],
        **_later_fields(fields, {"tweedie_power": real(1, 2), "expectile": real(0, 1)}),
    )
    if loss.several_quantiles != decoder.sorts or not (decoder.sorts or len(quantiles) == 1):
        raise fields.error(f"has the loss {loss}, which does not fit the decoder")
    clips = decoder.lowest is not None
    limits: dict[str, Any] = {"lowest": decoder.lowest, "highest": decoder.highest} if clips else {}
    n_outputs = decoder.unit.size
    return RegressionTask(
        training_loss=loss,
        n_outputs=n_outputs,
        one_dimensional=decoder.one_dimensional,
        standardizes=fields.get("standardizes", flag),
        clips=clips,
        extrapolates=decoder.moves,
        shift=decoder.shift,
        unit=decoder.unit,
        varied=tensors.take("task.varied", "bool", (n_outputs,)),
        **limits,
    )
