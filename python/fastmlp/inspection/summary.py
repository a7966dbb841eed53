"""Summary of a fitted model as text: columns, layers, training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import isfinite

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.networks import Dense, Dropout, Embedding, Layer, Network, Scale
from fastmlp.networks.layers import PERIODIC, PIECEWISE_LINEAR, no_such_layer
from fastmlp.table.column import Column
from fastmlp.table.sparse_encoder import SparseEncoder
from fastmlp.tasks import Task

_CONSTANT = "constant, not used"
_MOST_COLUMNS = 30  # that are listed one by one
_SCALED = {
    "robust": "scaled by median and quartiles",
    True: "scaled by mean and standard deviation",
    False: "not scaled",
}


def _treatment(column: Column, varies: bool, width: int | None, scaled: str) -> str:
    """How the network reads a column."""
    missing = ", some missing" if column.missing else ""
    if not varies:
        return f"{_CONSTANT}{missing}"
    if column.kind == "numeric":
        what = "number" if column.reader is None else column.reader.description
        return f"{what}, {scaled}{missing}"
    if column.kind == "binary":
        return f"two values, -1 or 1{missing}"
    if column.kind == "constant":
        if column.rare:
            return f"{column.rare} rows too rare, not used"
        return "all missing, not used" if column.missing else _CONSTANT
    rare = f", {column.rare} rows too rare" if column.rare else ""
    how = f"vectors of {width}" if width else "one-hot"
    return f"category of {len(column.categories)}, {how}{missing}{rare}"


def describe_layer(layer: Layer) -> str:
    """What a layer computes, in words."""
    if isinstance(layer, Dense):
        slopes = ", a slope for each unit" if layer.parametric else ""
        sparse = " sparse" if layer.sparse else ""
        return f"Dense {layer.inputs}{sparse} -> {layer.outputs}, {layer.activation}{slopes}"
    if isinstance(layer, Dropout):
        return f"Dropout {layer.rate:g}"
    if isinstance(layer, Scale):
        return f"Scale {layer.width}"
    if isinstance(layer, Embedding):
        n_periodic = PERIODIC * layer.n_numbers * layer.periodic
        periodic = f", {n_periodic} periodic features" if n_periodic else ""
        n_linear = PIECEWISE_LINEAR * layer.n_numbers * bool(layer.bin_edges)
        linear = f", {n_linear} piecewise-linear features" if n_linear else ""
        return (
            f"Embedding of {layer.n_numbers} numbers{periodic}{linear}, {layer.n_flags} flags, "
            f"{len(layer.categories)} categories"
        )
    no_such_layer(layer)


def _columns(model: FittedModel, layers: Sequence[Layer]) -> Iterator[str]:
    encoder = model.encoder
    if isinstance(encoder, SparseEncoder):
        how = "not scaled" if encoder.scale is None else "scaled, not centred"
        n_empty = encoder.n_columns - encoder.n_numeric
        empty = f", {n_empty:,} of them without entries, not used" if n_empty else ""
        yield f"  {encoder.n_columns:,} sparse columns of numbers, {how}{empty}"
        return
    scaled, constants = _SCALED[model.standardize], set(model.scaling.constants.tolist())
    embedding = layers[0] if isinstance(layers[0], Embedding) else None
    widths = iter(width for _, width in (embedding.categories if embedding else ()))
    columns, n_numeric = encoder.columns, encoder.n_numeric
    varies = [
        column.kind != "numeric" or not constants.issuperset(n for n in own if n < n_numeric)
        for column, own in zip(columns, encoder.encoded_by_column, strict=True)
    ]
    listed = columns[:_MOST_COLUMNS]
    longest = max(len(column.name) for column in listed)
    for column, own in zip(listed, varies, strict=False):
        width = next(widths, None) if column.kind == "category" else None
        yield f"  {column.name:<{longest}}  {_treatment(column, own, width, scaled)}"
    if len(columns) > len(listed):
        others = zip(columns[_MOST_COLUMNS:], varies[_MOST_COLUMNS:], strict=True)
        n_unused = sum(column.kind == "constant" or not own for column, own in others)
        unused = f", {n_unused} of them constant" if n_unused else ""
        yield f"  and {len(columns) - len(listed)} more{unused}"


def _outputs(task: Task) -> Iterator[str]:
    """The line on named outputs, if there are several."""
    names = task.output_names or ()
    if len(names) < 2:
        return
    more = f" and {len(names) - _MOST_COLUMNS} more" if len(names) > _MOST_COLUMNS else ""
    are_quantiles = names != task.target_names
    of_target = f" of {task.target_names[0]}" if are_quantiles and task.target_names else ""
    what = "the quantiles " if are_quantiles else ""
    yield f"Predicts {what}{', '.join(names[:_MOST_COLUMNS])}{more}{of_target}"


def summarise(estimator: str, model: FittedModel) -> str:
    """Describe a fitted model in lines to print.

    Parameters
    ----------
    estimator : str
        Name of its estimator's class.
    model : FittedModel
    """
    members = model.members
    networks = [member.network for member in members]
    n_parameters = sum(values.size for network in networks for values in network.parameters)
    several = len(members) > 1
    kinds = Counter(member.recipe.spec.kind for member in members)
    by_kind = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    preset = members[0].recipe.preset
    of_kinds = f" ({by_kind})" if members[0].recipe.tabular else ""
    count = f"{len(members)} networks{of_kinds}, " if several else ""
    lines = [
        f"{estimator}(preset={preset!r}): {count}{n_parameters:,} parameters, {model.dtype}",
        "Columns",
    ]
    lines += _columns(model, networks[0].layers)
    lines += _outputs(model.task)
    if model.linear is not None:
        lines.append(
            f"Linear part of {model.encoder.n_numeric} columns of numbers, which continues beyond "
            "the training range"
        )
    first_of: dict[str, Network] = {}  # others of the kind differ in their activations only
    for member in members:
        first_of.setdefault(member.recipe.spec.kind, member.network)
    for kind, network in first_of.items():
        which = f"{kind} " if len(first_of) > 1 else ""
        lines.append(f"Layers of the first {which}network" if several else "Layers")
        lines += [f"  {describe_layer(layer)}" for layer in network.layers]
    lines.append(f"Training{_took(model.fit_seconds)}")
    for member, weight in zip(members, model.ensemble.weights, strict=True):
        history, spec = member.history, member.recipe.spec
        loss = f", loss {history.best_loss:.4g}" if isfinite(history.best_loss) else ""
        best = f", best {history.best_iteration}" if history.best_iteration else ""
        kind = f"{spec.kind}, " if member.recipe.tabular else ""
        which = f"{spec.index} ({kind}weight {weight:.2g}): " if several else ""
        lines.append(
            f"  {which}{history.n_iter} epochs{best}{loss}, "
            f"{history.stop_reason}{_took(history.seconds)}"
        )
    if (privacy := model.privacy) is not None:
        lines.append(
            f"Differentially private: epsilon {privacy.epsilon:.3g}, delta {privacy.delta:.3g} "
            f"(noise {privacy.noise_multiplier:.3g} x {privacy.max_grad_norm:g}, "
            f"{privacy.n_steps} minibatches of {privacy.sampling_rate:.3g} of the rows)"
        )
    return "\n".join(lines)


def _took(seconds: float) -> str:
    """The seconds that something took; empty for private training, which does not record them."""
    return f", {seconds:.2f} seconds" if seconds else ""
