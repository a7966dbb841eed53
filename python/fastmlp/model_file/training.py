"""What further training needs, in a model file: recipes, optimisers, histories of the networks."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from fastmlp.ensemble.constraints import Constraints
from fastmlp.ensemble.evaluation import VALIDATION, by_name
from fastmlp.ensemble.history import History
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.presets import KINDS, PRESETS, MemberSpec
from fastmlp.ensemble.recipe import LEARNING_RATES, NUMERIC_EMBEDDINGS, Recipe
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.errors import ModelFileError
from fastmlp.model_file.fields import (
    Fields,
    Kind,
    flag,
    integer,
    list_of,
    maybe,
    number,
    one_of,
    plain,
    plain_fields,
    real,
    text,
    tuple_of,
)
from fastmlp.model_file.pipeline import parameter_names
from fastmlp.model_file.storage import MOMENTS
from fastmlp.model_file.tensors import Tensors
from fastmlp.networks import Network, Optimizer
from fastmlp.networks.layers import ACTIVATIONS
from fastmlp.networks.optimizer import SOLVERS
from fastmlp.prediction.pipeline import TrainedNetwork

_SPEC: dict[str, Kind[Any]] = {
    "index": integer(),
    "kind": one_of((*KINDS, "sparse", "private")),
    "n_rows": integer(),
}
_RECIPE: dict[str, Kind[Any]] = {
    "hidden_layer_sizes": tuple_of(integer(1)),
    "activation": tuple_of(one_of(ACTIVATIONS)),
    "dropout": tuple_of(real(0, 1)),
    "numeric_embedding": maybe(one_of(NUMERIC_EMBEDDINGS)),
    "sigma": real(0),
    "preset": one_of(PRESETS),
    "learning_rate": one_of(LEARNING_RATES),
    "learning_rate_init": real(0),
    "beta_2": real(0, 1),
    "weight_decay": real(0),
    "max_iter": integer(1),
    "n_iter_no_change": number,
    "patience_growth": real(0),
    "average_epochs": real(0),
}
_OPTIMIZER: dict[str, Kind[Any]] = {
    "solver": one_of(SOLVERS),
    "momentum": real(0, inf),
    "nesterovs_momentum": flag,
    "beta_1": real(0, 1),
    "epsilon": real(0),
    "beta_2": real(0, 1),
    "weight_decay": real(0),
    "learning_rate_factors": list_of(tuple_of(real(0), 2)),
    "weight_decay_factors": list_of(real(0)),
}
_HISTORY: dict[str, Kind[Any]] = {
    "n_iter": integer(),
    "best_iteration": maybe(integer()),
    "best_loss": number,
    "stop_reason": text,
    "seconds": real(0),
}
_CURVES = ("loss_curve", "validation_curve", "learning_rate_curve")
_METRIC_CURVE = "metric_curve"  # the first metric, which older files have without its name
_CONSTRAINTS: dict[str, Kind[Any]] = {
    "directions": tuple_of(integer(-1, 1)),
    "groups": tuple_of(tuple_of(integer())),
}
_MEMBER: dict[str, Kind[Any]] = {"samples_seen": integer(), "later_rate_share": real(0)}


def written_member(
    member: Member, number: int, draft: Draft, *, include_optimizer: bool
) -> dict[str, Any]:
    """What a file holds of network `number` beside its layers and parameters."""
    engine = member.network._engine
    steps = None
    if include_optimizer:
        compiled = member.optimizer._engine
        steps = compiled.steps
        names = parameter_names(member.network.layers, number)
        for moment, arrays in zip(MOMENTS, compiled.moment_arrays(), strict=True):
            for name, array in zip(names, arrays, strict=False):  # some solvers have one moment
                draft.add(f"{name}.{moment}", array)
    curves = {name: getattr(member.history, name) for name in _CURVES}
    of_evals = member.history.eval_curves
    evals = [(rows, measure) for rows, own in of_evals.items() for measure in own]
    for name, (rows, measure) in zip(_names_of_evals(evals), evals, strict=True):
        curves[name] = of_evals[rows][measure]
    for name, curve in curves.items():
        if curve:
            draft.add(f"histories.{number}.{name}", np.array(curve, dtype=np.float64))
    return {
        "recipe": {
            **plain_fields(member.recipe, _RECIPE),
            "spec": plain_fields(member.recipe.spec, _SPEC),
        },
        "optimizer": {name: plain(member.optimizer_options[name]) for name in _OPTIMIZER},
        "optimizer_steps": steps,
        "history": plain_fields(member.history, _HISTORY)
        | ({"evals": plain(evals)} if evals else {}),
        **plain_fields(member, _MEMBER),
        **_written_constraints(member.constraints),
        "seed": engine.seed,
        "steps": engine.steps,
    }


def _written_constraints(constraints: Constraints | None) -> dict[str, Any]:
    if constraints is None:
        return {}
    return {"constraints": {name: plain(getattr(constraints, name)) for name in _CONSTRAINTS}}


def read_member(fields: Fields, number: int, trained: TrainedNetwork, tensors: Tensors) -> Member:
    """Network `number` of a file, for further training."""
    recipe = fields.object("recipe")
    spec = MemberSpec(**recipe.object("spec").get_all(_SPEC))
    options = fields.object("optimizer").get_all(_OPTIMIZER)
    network = _network(
        trained,
        seed=fields.get("seed", integer(0, 2**64 - 1)),
        steps=fields.get("steps", integer()),
    )
    try:
        optimizer = Optimizer(network, **options)
    except (TypeError, ValueError) as error:
        raise fields.error(f"has an optimiser that does not fit its network: {error}") from None
    steps = fields.get("optimizer_steps", maybe(integer()))
    if steps is not None:
        optimizer._engine.steps = steps
        names = parameter_names(network.layers, number)
        for moment, arrays in zip(MOMENTS, optimizer._engine.moment_arrays(), strict=True):
            for name, array in zip(names, arrays, strict=False):
                array[...] = tensors.take(f"{name}.{moment}", network.dtype.name, array.shape)
    return Member(
        network,
        optimizer,
        Recipe(**recipe.get_all(_RECIPE), spec=spec),
        options,
        _read_history(fields.object("history"), number, tensors),
        **fields.get_all(_MEMBER),
        constraints=_read_constraints(fields),
    )


def _read_constraints(fields: Fields) -> Constraints | None:
    if not fields.has("constraints"):
        return None
    return Constraints(**fields.object("constraints").get_all(_CONSTRAINTS))


def _network(trained: TrainedNetwork, *, seed: int, steps: int) -> Network:
    network = Network.__new__(Network)
    try:
        network.__setstate__(
            {
                "layers": trained.layers,
                "dtype": trained.dtype,
                "n_jobs": None,
                "seed": seed,
                "steps": steps,
                "parameters": trained.arrays,
            }
        )
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"the model file has layers that do not fit: {error}") from None
    return network


def _names_of_evals(evals: Sequence[tuple[str, str]]) -> list[str]:
    """Names of the tensors that hold these curves, each of some rows and of a measure."""
    first = next((k for k, (rows, _) in enumerate(evals) if rows == VALIDATION), None)
    return [_METRIC_CURVE if k == first else f"evals.{k}" for k in range(len(evals))]


def _read_history(fields: Fields, number: int, tensors: Tensors) -> History:
    def curve(name: str) -> list[float]:
        tensor = f"histories.{number}.{name}"
        if tensor not in tensors:
            return []
        found: list[float] = tensors.floats(tensor, (None,), finite=False).tolist()
        return found

    if "evals" in fields:
        pairs = fields.get("evals", list_of(tuple_of(text, 2)))
        evals = [(rows, measure) for rows, measure in pairs]
    else:
        evals = [(VALIDATION, "metric")] if curve(_METRIC_CURVE) else []
    curves: dict[str, Any] = {name: curve(name) for name in _CURVES}
    curves["eval_curves"] = by_name(evals, map(curve, _names_of_evals(evals)))
    return History(**fields.get_all(_HISTORY), **curves)
