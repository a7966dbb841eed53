from collections.abc import Callable, Sequence
from typing import Any, Generic, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T", np.float32, np.float64)

class BuildInfo(TypedDict):
    instruction_set: str
    compiler: str
    eigen: str
    threading: str

class TrainResult(TypedDict):
    loss_curve: list[float]
    validation_curve: list[float]
    watched_curve: list[float]
    learning_rates: list[float]
    n_iter: int
    n_steps: int
    best_epoch: int
    reason: str

class Standardisation:
    def __init__(
        self,
        shift: NDArray[np.float64],
        scale: NDArray[np.float64],
        n_filled: int,
        clips: bool,
    ) -> None: ...

class ThreadBudget:
    def __init__(self, threads: int, trainings: int) -> None: ...

# Values, columns and starts of the rows of a CSR matrix
_Sparse = tuple[NDArray[_T], NDArray[np.int32], NDArray[np.int64]]

class _Network(Generic[_T]):
    steps: int
    def __init__(self, layers: list[dict[str, Any]], seed: int | None) -> None: ...
    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def seed(self) -> int: ...
    def arrays(self) -> list[tuple[int, str, NDArray[_T], NDArray[_T]]]: ...
    def holds(self, arrays: list[NDArray[Any]]) -> bool: ...
    def prepare(self) -> None: ...
    def initialise_from(
        self, X: NDArray[Any], rows: NDArray[np.uint32], inputs: Standardisation | None
    ) -> None: ...
    def flat(self) -> NDArray[_T]: ...
    def forward(
        self, X: NDArray[Any] | _Sparse[_T], training: bool, n_threads: int = 1
    ) -> NDArray[_T]: ...
    def backward(
        self,
        X: NDArray[Any] | _Sparse[_T],
        y: NDArray[Any] | None,
        sample_weight: NDArray[Any] | None,
        output_gradient: NDArray[Any] | None,
        loss: str,
        delta: float,
        quantiles: list[float],
        label_smoothing: float,
        l1: float,
        l2: float,
        n_threads: int,
    ) -> float: ...

class _Optimizer(Generic[_T]):
    steps: int
    def __init__(
        self,
        network: _Network[_T],
        solver: str,
        momentum: float,
        nesterov: bool,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        weight_decay: float,
        learning_rate_factors: list[tuple[float, float]],
        weight_decay_factors: list[float],
    ) -> None: ...
    def moments(self) -> tuple[NDArray[_T], NDArray[_T]]: ...
    def moment_arrays(self) -> tuple[list[NDArray[_T]], list[NDArray[_T]]]: ...
    def step(self, network: _Network[_T], learning_rate: float, max_grad_norm: float) -> float: ...

class _Epochs(Generic[_T]):
    def __init__(
        self,
        network: _Network[_T],
        X: NDArray[Any] | _Sparse[_T],
        y: NDArray[Any],
        sample_weight: NDArray[_T] | None,
        link: str,
        alpha: float,
        batch_size: int,
        n_threads: int,
    ) -> None: ...
    def run(
        self, order: NDArray[np.uint32], optimizer: _Optimizer[_T], learning_rate: float
    ) -> float: ...
    def gradients(self, rows: NDArray[np.uint32]) -> float: ...

class _Predictor(Generic[_T]):
    def __init__(
        self,
        network: _Network[_T],
        inputs: Standardisation | None,
        link: str,
        # For each layer type, values and scales of its weights, to be held so if it can; or none
        small: Sequence[tuple[str, NDArray[Any], NDArray[np.float32] | None] | None] = ...,
    ) -> None: ...
    @staticmethod
    def mean_of(predictors: Sequence[Any], weights: Sequence[float]) -> Any: ...
    @property
    def outputs(self) -> int: ...
    @property
    def work_per_row(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def holds(self, arrays: list[NDArray[Any]]) -> bool: ...
    def predict(
        self, X: NDArray[Any] | _Sparse[_T], n_threads: int, offset: NDArray[Any] | None = None
    ) -> NDArray[_T]: ...

# Where a column goes in an encoded row, and the flag of a missing number; -1: nowhere. Codes of
# labels and the code of a missing one; whether text without a code has the code 0.
_RowColumn = tuple[int, int, dict[Any, float] | None, float, bool]

class RowReader:
    def __init__(
        self,
        names: tuple[str, ...] | None,
        columns: Sequence[_RowColumn],
        encoded: int,
        types: tuple[type, ...],
        takes_missing: bool,
    ) -> None: ...
    # (1, encoded), or None for a row that is left to others.
    def encode(self, row: Any) -> NDArray[Any] | None: ...

class NumberDecoding:
    def __init__(
        self,
        unit: Sequence[float],
        shift: Sequence[float],
        lowest: Sequence[float],
        highest: Sequence[float],
        sorts: bool,
        single: bool,
    ) -> None: ...

class ClassDecoding:
    def __init__(self, labels: tuple[Any, ...], multilabel: bool) -> None: ...

class _RowPredictor(Generic[_T]):
    def __init__(
        self,
        networks: _Predictor[_T],
        reader: RowReader,
        decoding: NumberDecoding | ClassDecoding,
    ) -> None: ...
    # Each returns None for a row that the reader leaves to others; predict also where the last
    # bits decide about the label.
    def predict(self, row: Any) -> Any: ...
    def outputs(self, row: Any) -> NDArray[_T] | None: ...
    def predict_proba(self, row: Any) -> NDArray[np.float64] | None: ...

class NetworkF32(_Network[np.float32]): ...
class NetworkF64(_Network[np.float64]): ...
class OptimizerF32(_Optimizer[np.float32]): ...
class OptimizerF64(_Optimizer[np.float64]): ...
class EpochsF32(_Epochs[np.float32]): ...
class EpochsF64(_Epochs[np.float64]): ...
class PredictorF32(_Predictor[np.float32]): ...
class PredictorF64(_Predictor[np.float64]): ...
class RowPredictorF32(_RowPredictor[np.float32]): ...
class RowPredictorF64(_RowPredictor[np.float64]): ...

# X, y, sample_weight, rows (None: all), offset
_Part = tuple[
    NDArray[Any] | _Sparse[Any],
    NDArray[Any],
    NDArray[Any] | None,
    NDArray[np.uint32] | None,
    NDArray[Any] | None,
]

VARIABLE: str
available_instruction_sets: list[str]

def available_threads() -> int: ...
def shuffle(values: NDArray[np.uint32], bit_generator: object) -> None: ...
def build_info() -> BuildInfo: ...
def train(
    network: _Network[Any],
    optimizer: _Optimizer[Any],
    inputs: Standardisation | None,
    train: _Part,
    validation: _Part | None,
    options: dict[str, Any],
    threads: ThreadBudget,
    on_epoch: Callable[
        [int, float, float, float, float, NDArray[np.float64] | None], tuple[bool, float | None]
    ]
    | None,
    interrupted: Callable[[], bool] | None,
) -> TrainResult: ...
