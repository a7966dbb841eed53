"""What exports have in common: which models there are for them, and which numbers they read."""

from __future__ import annotations

from fastmlp.prediction.decoders import Decoder, MultioutputDecoder
from fastmlp.table.column import Column
from fastmlp.table.dates import Dates
from fastmlp.table.durations import Durations
from fastmlp.table.number_text import NumberText

_READ: dict[type, str] = {
    Dates: "days since 1970-01-01",
    Durations: "seconds",
    NumberText: "number, without separators and units",
}


def check_exportable(decoder: Decoder) -> None:
    """Raise for predictions that neither ONNX models nor C files of this package have."""
    if isinstance(decoder, MultioutputDecoder):
        raise ValueError(
            "models of several columns of labels cannot be exported; fit a Classifier for each "
            "column, or pass zeros and ones"
        )


def kind_of_number(column: Column) -> str:
    """What number stands for a value of a numeric column."""
    return _READ.get(type(column.reader), "number")
