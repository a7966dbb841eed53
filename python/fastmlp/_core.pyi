from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Generic, Literal, TypedDict, TypeVar

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
        keeps_order: bool = ...,
    ) -> None: ...

class ThreadBudget:
    def __init__(self, threads: int, trainings: int) -> None: ...
    @property
    def threads(self) -> int: ...

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
        loss: dict[str, Any],  # "loss", its name, and parameters of it
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
        heads: Sequence[int] = ...,
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

class _CoalitionNetwork(Generic[_T]):
    def __init__(self, activation: str, slopes: Sequence[float], rest: _Predictor[_T]) -> None: ...
    # Outputs (n_rows, n_background, n_coalitions, n_outputs) from what each column of the rows and
    # of the background gives to the first hidden units, (n_rows, n_columns, n_units), their sums
    # (n_background, n_units), and the coalitions (n_background, n_coalitions, n_columns).
    def predict(
        self,
        rows: NDArray[_T],
        background: NDArray[_T],
        whole: NDArray[_T],
        members: NDArray[np.uint8],
        n_threads: int,
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

# Where a column of the encoded table comes from: ("number", position), ("is_missing", position),
# ("code", position, what stands for each code) or ("constant",).
_ColumnSource = (
    tuple[Literal["number", "is_missing"], int]
    | tuple[Literal["code"], int, Sequence[float] | NDArray[np.float32]]
    | tuple[Literal["constant"]]
)

class Window:
    # Read-only views, which keep the window's memory in use.
    @property
    def X(self) -> NDArray[np.float32]: ...
    @property
    def y(self) -> NDArray[Any]: ...
    @property
    def weights(self) -> NDArray[np.float32] | None: ...
    @property
    def hash(self) -> NDArray[np.uint32]: ...

class WindowReader:
    def __init__(
        self,
        path: str | PathLike[str],
        # "targets": (type, width), "weights": bool, "numbers": (type, width), "codes": [type, ...]
        sections: dict[str, Any],
        columns: Sequence[_ColumnSource],
        groups: Sequence[tuple[int, int, int]],  # offset, rows, checksum
        max_rows: int,
    ) -> None: ...
    # Numbers of the groups of each window
    def begin(self, windows: Sequence[Sequence[int]]) -> None: ...
    # None at the end. At most two windows are in use at a time.
    def next(self) -> Window | None: ...

class NetworkF32(_Network[np.float32]): ...
class NetworkF64(_Network[np.float64]): ...
class OptimizerF32(_Optimizer[np.float32]): ...
class OptimizerF64(_Optimizer[np.float64]): ...
class EpochsF32(_Epochs[np.float32]): ...
class EpochsF64(_Epochs[np.float64]): ...
class PredictorF32(_Predictor[np.float32]): ...
class PredictorF64(_Predictor[np.float64]): ...
class CoalitionNetworkF32(_CoalitionNetwork[np.float32]): ...
class CoalitionNetworkF64(_CoalitionNetwork[np.float64]): ...
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

# True values and raw outputs (both rows x outputs), weights, whether the derivative is wanted;
# the mean loss, and its derivative by the raw outputs. An option "loss" may be such a function,
# which is called once for each minibatch and once for the validation rows.
_OwnLoss = Callable[
    [NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None, bool],
    tuple[float, NDArray[np.float64] | None],
]

# Epoch, loss, validation loss, learning rate, seconds, raw outputs on the validation rows, loss and
# raw outputs on each of the others; whether to stop, and what to watch in place of the loss
_OnEpoch = Callable[
    [
        int,
        float,
        float,
        float,
        float,
        NDArray[np.float64] | None,
        list[tuple[float, NDArray[np.float64] | None]],
    ],
    tuple[bool, float | None],
]

def train(
    network: _Network[Any],
    optimizer: _Optimizer[Any],
    inputs: Standardisation | None,
    train: _Part,
    validation: _Part | None,
    options: dict[str, Any],
    threads: ThreadBudget,
    on_epoch: _OnEpoch | None,
    interrupted: Callable[[], bool] | None,
) -> TrainResult: ...

class PrivateTraining:
    """Differentially private training of one network (DP-SGD); no loss is known.

    Every step takes a minibatch that has each row with the probability `sampling_rate`. The sum of
    its rows' gradients, each scaled down to the norm `max_row_norm`, and of normal noise is divided
    by the expected number of rows. Noise and minibatches are ChaCha20's for the key.
    """

    def __init__(
        self,
        network: _Network[Any],
        optimizer: _Optimizer[Any],
        inputs: Standardisation | None,
        part: _Part,
        # Of `train` those of the loss, the penalty and the schedule; n_steps, sampling_rate,
        # max_row_norm, noise_multiplier, average_steps
        options: dict[str, Any],
        key: bytes,  # 32
        n_threads: int,
    ) -> None: ...
    # After Ctrl-C it raises, and the network is partly trained.
    def run(self, n_steps: int) -> None: ...
    # Leaves the network with the mean of its last weights.
    def finish(self) -> None: ...
    @property
    def learning_rate(self) -> float: ...

class Training:
    """Training of one network that can be taken up again, of a table in memory or by windows.

    Windows are the parts of a table that are in memory one after the other: ::

        goes_on = True
        while goes_on:
            for part in windows:
                if not training.run(part, threads, interrupted):
                    break
            goes_on = training.end_epoch(threads, on_epoch, interrupted)
        result = training.finish()

    After Ctrl-C, `finish` leaves the weights of the last finished epoch. Calls of one training must
    not overlap.
    """

    def __init__(
        self,
        network: _Network[Any],
        optimizer: _Optimizer[Any],
        inputs: Standardisation | None,
        validation: _Part | None,
        options: dict[str, Any],  # as for `train`, and steps_per_epoch
        n_threads: int,  # the most
        others: tuple[_Part, ...] = (),  # to evaluate beside the validation rows
    ) -> None: ...
    # All epochs of a table in memory. between_epochs is called where `state` may be.
    def train(
        self,
        part: _Part,
        threads: ThreadBudget,
        on_epoch: _OnEpoch | None,
        interrupted: Callable[[], bool] | None,
        between_epochs: Callable[[], None] | None,
    ) -> TrainResult: ...
    # Goes once through a window's rows. False when no other window of the epoch is to follow.
    def run(
        self, part: _Part, threads: ThreadBudget, interrupted: Callable[[], bool] | None
    ) -> bool: ...
    # False when training has ended.
    def end_epoch(
        self,
        threads: ThreadBudget,
        on_epoch: _OnEpoch | None,
        interrupted: Callable[[], bool] | None,
    ) -> bool: ...
    # Ends training as an interruption of `run` does; for Ctrl-C between two calls.
    def interrupt(self) -> None: ...
    # Leaves the network with the weights to keep.
    def finish(self) -> TrainResult: ...
    # A copy of all that training goes on from, network and optimiser included: arrays, numbers and
    # a string. Between two windows; RuntimeError after an interruption.
    def state(self) -> dict[str, Any]: ...
    # Takes over the state of a training of an equal network with the same options.
    def restore(self, state: dict[str, Any]) -> None: ...
