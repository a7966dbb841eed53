"""What a model file holds, in lines to print or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastmlp.cli.models.files import describe, load_model
from fastmlp.cli.models.scores import lines_of
from fastmlp.inspection.mlp_summary import summarise_mlp
from fastmlp.table.value_kinds import value_kind


def facts_of(path: str) -> dict[str, Any]:
    """The description of a model file, and its columns, for JSON."""
    model, _ = load_model(path)
    facts = asdict(describe(path))
    facts["columns"] = [
        {"name": column.name, "kind": value_kind(column)}
        for column in model._pipeline.encoder.columns
    ]
    if hasattr(model, "classes_"):
        facts["classes"] = model.classes_.tolist()
    return facts


def lines_about(path: str) -> Iterator[str]:
    """The same and the summary of the model, as lines to print."""
    model, notes = load_model(path)
    about = describe(path)
    size = Path(path).stat().st_size
    yield f"File      {path}, {size / 1e6:,.2f} MB, format {about.format_version}"
    yield f"Digest    {about.digest} (SHA-256)"
    yield f"Model     {about.kind}, trained {about.time} by fastmlp {about.version}"
    rows = "" if about.rows is None else f"{about.rows:,} rows, "
    yield f"Table     {rows}{about.columns:,} inputs"
    if notes.targets:
        yield f"Target    {', '.join(notes.targets)}"
    if hasattr(model, "classes_"):
        yield f"Classes   {', '.join(map(str, model.classes_))}"
    if notes.scores:
        yield "Scores of held-out rows"
        yield from lines_of(notes.scores)
    yield model.summary() if hasattr(model, "summary") else summarise_mlp(model)
