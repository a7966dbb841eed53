"""What a fitted model is, in words: columns, layers, training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastmlp._columns import Column, Columns
from fastmlp._network import PIECES, WAVES, Dense, Dropout, Embedding, Layer, Network
from fastmlp._training import Member

_MOST_COLUMNS = 30  # that are told one by one


def _treatment(column: Column, width: int | None, scaled: str) -> str:
    """How the network gets to see a column."""
    lacking = ", some missing" if column.missing else ""
    if column.kind == "numeric":
        return f"number, {scaled}{lacking}"
    if column.kind == "binary":
        return f"two values, -1 or 1{lacking}"
    if column.kind == "constant":
        return f"{column.rare} rows too rare, not used" if column.rare else "constant, not used"
    rare = f", {column.rare} rows too rare" if column.rare else ""
    how = f"vectors of {width}" if width else "one-hot"
    return f"category of {len(column.categories)}, {how}{lacking}{rare}"


def _describe(layer: Layer) -> str:
    if isinstance(layer, Dense):
        slopes = ", a slope for each unit" if layer.parametric else ""
        return f"Dense {layer.inputs} -> {layer.outputs}, {layer.activation}{slopes}"
    if isinstance(layer, Dropout):
        return f"Dropout {layer.rate:g}"
    if isinstance(layer, Embedding):
        n_waves = WAVES * layer.n_numbers * layer.periodic
        waves = f", {n_waves} waves" if n_waves else ""
        pieces = f", {PIECES * layer.n_numbers} pieces" if layer.knots else ""
        return (
            f"Embedding of {layer.n_numbers} numbers{waves}{pieces}, {layer.n_flags} flags, "
            f"{len(layer.categories)} categories"
        )
    return f"Scale {layer.width}"


def _columns(columns: Columns, layers: Sequence[Layer], scaled: str) -> Iterator[str]:
    embedding = layers[0] if isinstance(layers[0], Embedding) else None
    widths = iter(width for _, width in (embedding.categories if embedding else ()))
    shown = columns.columns[:_MOST_COLUMNS]
    longest = max(len(column.name) for column in shown)
    for column in shown:
        width = next(widths, None) if column.kind == "category" else None
        yield f"  {column.name:<{longest}}  {_treatment(column, width, scaled)}"
    if len(columns.columns) > len(shown):
        yield f"  and {len(columns.columns) - len(shown)} more"


def summarise(
    title: str,
    columns: Columns,
    members: Sequence[Member],
    weights: Sequence[float],
    scaled: str,
    seconds: float,
) -> str:
    """Lines about a model; see `BaseMLP.summary`."""
    networks = [member.network for member in members]
    n_parameters = sum(values.size for network in networks for values in network.parameters)
    several = len(members) > 1
    count = f"{len(members)} networks, " if several else ""
    lines = [f"{title}: {count}{n_parameters:,} parameters, {networks[0].dtype}", "Columns"]
    lines += _columns(columns, networks[0].layers, scaled)
    first_of: dict[str, Network] = {}  # others of the kind differ in their activations only
    for member in members:
        first_of.setdefault(member.recipe.place.kind, member.network)
    for kind, network in first_of.items():
        which = f"{kind} " if len(first_of) > 1 else ""
        lines.append(f"Layers of the first {which}network" if several else "Layers")
        lines += [f"  {_describe(layer)}" for layer in network.layers]
    lines.append(f"Training, {seconds:.2f} seconds")
    for member, weight in zip(members, weights, strict=True):
        history, place = member.history, member.recipe.place
        best = f", best {history.best_iteration}" if history.best_iteration else ""
        which = f"{place.number} ({place.kind}, weight {weight:.2g}): " if several else ""
        lines.append(
            f"  {which}{history.n_iter} epochs{best}, loss {history.best_loss:.4g}, "
            f"{history.stop_reason}, {history.seconds:.2f} seconds"
        )
    return "\n".join(lines)
