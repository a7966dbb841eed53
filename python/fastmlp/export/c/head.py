"""The comment at the head of a C file: what a row holds and what a prediction is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from fastmlp.export.c.text import comment
from fastmlp.export.number_meaning import number_meaning
from fastmlp.prediction.decoders import ClassificationDecoder, Decoder, RegressionDecoder
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.table.column import Column
from fastmlp.table.encoder import DenseEncoder

_WIDTH = 100
_KEPT_SPACE = "\0"  # where no line ends


def head(pipeline: Pipeline, prefix: str, version: str) -> str:
    """The comment."""
    macro = prefix.upper()
    lines = [
        f"A model trained with fastmlp {version}, as C99. Any number of threads may call",
        "",
        f"  void {prefix}predict(const double *row, double *out);",
        "",
        *_wrapped(
            f"`row` holds {macro}N_COLUMNS numbers: the columns of the training table, in their "
            "order, and NaN where a value is missing.",
        ),
        *_columns(pipeline),
        "",
        *_wrapped(f"`out` gets {macro}N_OUTPUTS numbers: {_outputs(pipeline.decoder)}."),
        "",
        *_wrapped(
            "Link with the mathematical library (-lm). Options such as -ffast-math, which forget "
            "NaN, change predictions."
        ),
    ]
    text = "\n".join(f"   {line}".rstrip() for line in lines).strip()
    return f"/* {comment(text)} */\n"


def _wrapped(text: str, indent: str = "") -> list[str]:
    lines = textwrap.wrap(
        text, _WIDTH - 3, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(_KEPT_SPACE, " ") for line in lines]


def _columns(pipeline: Pipeline) -> Iterator[str]:
    """A line for each column; none if all are numbers without names."""
    encoder = pipeline.encoder
    if not isinstance(encoder, DenseEncoder) or (
        encoder.feature_names is None and encoder.learnt is None
    ):
        return
    columns = encoder.columns
    yield ""
    names = [repr(column.name) for column in columns]
    width = min(30, max(map(len, names)))
    for position, (name, column) in enumerate(zip(names, columns, strict=True)):
        yield from _wrapped(f"{position:5}  {name:{width}}  {_values(column)}", " " * 9)


def _values(column: Column) -> str:
    if column.kind == "constant":
        return "not read: all its values were alike in training, or no label came twice"
    if column.kind == "numeric":
        return number_meaning(column)
    codes = [
        f"{int(code)} for {label!r}".replace(" ", _KEPT_SPACE)
        for label, code in column.codes.items()
        if label is not None
    ]
    return f"{', '.join(codes)}; 0 for any other"


def _outputs(decoder: Decoder) -> str:
    if isinstance(decoder, RegressionDecoder):
        if decoder.sorts:
            return "the quantiles, in ascending order"
        several = "s" * (decoder.unit.size > 1)
        if decoder.has_std:
            return f"the prediction{several}, then the standard deviation{several}"
        return f"the prediction{several}"
    assert isinstance(decoder, ClassificationDecoder)
    labels = ", ".join(map(repr, decoder.classes.tolist()))
    return f"the probabilities of the {'labels' if decoder.multilabel else 'classes'} {labels}"
