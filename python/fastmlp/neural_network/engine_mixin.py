"""EngineMixin: the private steps of scikit-learn's MLPs that the engine takes over.

These are training with minibatches, the loss and gradient that L-BFGS asks for, and prediction.
"""

from __future__ import annotations

import warnings
from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron as _Base
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils.validation import (
    _check_feature_names,
    check_array,
    check_is_fitted,
    validate_data,
)

from fastmlp._one_blas_thread import ONE_BLAS_THREAD
from fastmlp._threads import n_threads
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.envelope import Contents
from fastmlp.neural_network.engine import Engine, Snapshot
from fastmlp.neural_network.identity_cache import IdentityCache
from fastmlp.neural_network.pipeline import pipeline_of
from fastmlp.neural_network.saved import read_mlp, written_mlp
from fastmlp.neural_network.training import EngineOptimizer, Session, shuffle
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.table.feature_names import feature_names_of
from fastmlp.trained_model import TrainedModel

# Frames up to scikit-learn's own, so that filters see warnings as from its module.
_SKLEARN = 2
# Up to this many rows, or one for so many weights, NumPy predicts faster: it needs no copy of the
# weights.
_FEW_ROWS, _WEIGHTS_PER_ROW = 64, 1000
# Kept outside of the models, whose attributes are scikit-learn's: the predictors, and the engines
# that the next partial_fit continues with.
_SNAPSHOTS: IdentityCache[Snapshot] = IdentityCache()
_ENGINES: IdentityCache[tuple[Engine, EngineOptimizer]] = IdentityCache()

# If a subclass overrides one of these, scikit-learn's own training calls it.
_PASSES = ("_forward_pass", "_backprop", "_compute_loss_grad")
# Losses that the engine has, with the activation of the outputs.
_KNOWN = {
    ("squared_error", "identity"),
    ("poisson", "exp"),
    ("log_loss", "logistic"),
    ("log_loss", "softmax"),
}


class EngineMixin(TrainedModel):
    """scikit-learn's private steps of an MLP, on the engine."""

    @property
    def _pipeline(self: Any) -> Pipeline:
        check_is_fitted(self)
        return pipeline_of(self)

    def _written(self: Any, draft: Draft, include_optimizer: bool) -> dict[str, Any]:
        return written_mlp(self, draft, include_optimizer=include_optimizer)

    def _outputs_of(self: Any, rows: Any) -> NDArray[np.float64]:
        if hasattr(self, "feature_names_in_") and feature_names_of(rows) is not None:
            _check_feature_names(self, rows, reset=False)
        X = check_array(rows, accept_sparse=["csr", "csc"], dtype=(np.float64, np.float32))
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} features; {self.n_features_in_} are expected")
        outputs: NDArray[np.float64] = self._forward_pass_fast(X, False)
        return outputs.astype(np.float64)

    def _read(self: Any, contents: Contents) -> None:
        read_mlp(self, contents)

    def _converted(self: Any, X: Any) -> Any:
        """X in the type to compute in."""
        if self.dtype in ("auto", X.dtype.name):
            return X
        with np.errstate(over="ignore"):
            converted = X.astype(self.dtype, copy=False)
        if not np.isfinite(converted.data if issparse(converted) else converted).all():
            raise ValueError(f"X holds values that {self.dtype} cannot hold")
        return converted

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        X, y = super()._validate_input(X, y, incremental, reset)  # type: ignore[misc]
        return self._converted(X), y

    def _fit(self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False) -> Any:
        # A failed call leaves the estimator as it was.
        before = {
            name: copy(value) if isinstance(value, list) and name.endswith("_") else value
            for name, value in self.__dict__.items()
        }
        if "_optimizer" in before:
            before["_optimizer"] = copy(before["_optimizer"])
        _SNAPSHOTS.pop(self)
        self.__dict__.pop("_notes", None)  # they were of the model that was loaded
        try:
            return super()._fit(X, y, sample_weight, incremental)  # type: ignore[misc]
        except ConvergenceWarning:
            raise  # where warnings are errors: the model is trained all the same
        except BaseException:
            self.__dict__.update(before)
            for name in self.__dict__.keys() - before.keys():
                del self.__dict__[name]
            raise

    def _is_known(self: Any) -> bool:
        """Whether the engine supports this class and its parameters."""
        own = any(getattr(type(self), name) is not getattr(_Base, name) for name in _PASSES)
        return (
            not own
            and self.activation in ("identity", "logistic", "tanh", "relu")
            and (self.loss, self.out_activation_) in _KNOWN
            and all(isinstance(w, np.ndarray) for w in self.coefs_ + self.intercepts_)
        )

    def _score(self: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        # scikit-learn's before 1.9 fails on labels of text.
        predictions = self._predict(X, check_input=False)
        if predictions.dtype.kind == "f" and not np.isfinite(predictions).all():
            return np.nan
        score = accuracy_score if is_classifier(self) else r2_score
        return float(score(y, predictions, sample_weight=sample_weight))

    def _new_optimizer(self: Any) -> AdamOptimizer | SGDOptimizer:
        """scikit-learn's optimiser: it keeps the state between calls and the rules of schedules."""
        parameters = self.coefs_ + self.intercepts_
        if self.solver == "adam":
            return AdamOptimizer(
                parameters, self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon
            )
        return SGDOptimizer(
            parameters,
            self.learning_rate_init,
            self.learning_rate,
            self.momentum,
            self.nesterovs_momentum,
            self.power_t,
        )

    def _split(self: Any, X: Any, y: Any, sample_weight: Any) -> tuple[Any, ...]:
        """X, y and weights of the training part, then of the validation part."""
        classifies = is_classifier(self)
        given = [X, y] if sample_weight is None else [X, y, sample_weight]
        parts = train_test_split(
            *given,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=y if classifies and self.n_outputs_ == 1 else None,
        )
        train, validation = parts[::2], parts[1::2]
        if validation[0].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        if classifies:
            validation[1] = self._label_binarizer.inverse_transform(validation[1])
        none = [None] * (3 - len(given))
        return (*train, *none, *validation, *none)

    def _checked_batch_size(self: Any, n_rows: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_rows)
        if self.batch_size > n_rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=_SKLEARN + 1,
            )
        return int(min(self.batch_size, n_rows))

    def _engine(self: Any, X: Any) -> tuple[Engine, EngineOptimizer]:
        """The engine with this model's weights and its optimiser's state."""
        engine, optimizer = _ENGINES.pop(self) or (None, None)
        if engine is None or not engine.is_of(self, X):
            engine, optimizer = Engine(self, X), None
            engine.network.prepare()
        if optimizer is None or not optimizer.is_of(self._optimizer):
            return engine, EngineOptimizer(engine, self._optimizer)
        optimizer.load(self._optimizer)
        return engine, optimizer

    def _session(
        self: Any, engine: Engine, X: Any, y: Any, weight: Any, batch_size: int
    ) -> Session:
        threads = n_threads(self.n_jobs)
        return Session(self, engine, X, y, weight, batch_size=batch_size, n_threads=threads)

    def _fit_stochastic(
        self: Any,
        X: Any,
        y: Any,
        sample_weight: Any,
        activations: Any,
        deltas: Any,
        coef_grads: Any,
        intercept_grads: Any,
        layer_units: Any,
        incremental: bool,
    ) -> None:
        if not self._is_known():
            rest = (activations, deltas, coef_grads, intercept_grads, layer_units, incremental)
            super()._fit_stochastic(X, y, sample_weight, *rest)  # type: ignore[misc]
            return
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = self._new_optimizer()
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        X_val = y_val = weight_val = None
        if self.early_stopping:
            X, y, sample_weight, X_val, y_val, weight_val = self._split(X, y, sample_weight)
        n_rows = X.shape[0]
        batch_size = self._checked_batch_size(n_rows)
        engine, optimizer = self._engine(X)
        session = self._session(engine, X, y, sample_weight, batch_size)
        converged, interrupted = True, False
        # After early stopping scikit-learn's best weights are the model's own, trained in place.
        best = getattr(self, "_best_coefs", None)
        own_best = best if self.coefs_ is best else None
        watched = type(self)._update_no_improvement_count is not _Base._update_no_improvement_count
        try:
            self.n_iter_ = 0
            for _ in range(self.max_iter):
                if self.shuffle:
                    shuffle(session.rows, self._random_state)
                rate = optimizer.learning_rate_of(self._optimizer)
                self.loss_ = np.float64(session.run_epoch(optimizer, rate))
                self.n_iter_ += 1
                self.t_ += n_rows
                if self.early_stopping or watched:
                    session.store_weights()  # for the score, or a subclass that looks
                if self._ends_epoch(X_val, y_val, weight_val) or incremental:
                    break
            else:
                converged = False
        except KeyboardInterrupt:
            interrupted = True
            warnings.warn("Training interrupted by user.", stacklevel=_SKLEARN)
        # After an interrupted epoch the running means are inconsistent; scikit-learn refuses
        # weights that are not finite.
        if not interrupted and engine.is_finite():
            optimizer.store(self._optimizer)
            if incremental:
                _ENGINES[self] = engine, optimizer
        if self.early_stopping:
            if own_best is not None and self._best_coefs is own_best:  # none was better since
                self._best_coefs, self._best_intercepts = self.coefs_, self.intercepts_
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts
        else:
            session.store_weights()
        if not converged:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=_SKLEARN,
            )

    def _ends_epoch(self: Any, X_val: Any, y_val: Any, weight_val: Any) -> bool:
        """Record the epoch just run; true if it was the last."""
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        self._update_no_improvement_count(self.early_stopping, X_val, y_val, weight_val)
        self._optimizer.iteration_ends(self.t_)
        if self._no_improvement_count > self.n_iter_no_change:
            what = "Validation score" if self.early_stopping else "Training loss"
            message = (
                f"{what} did not improve more than tol={self.tol:f} for "
                f"{self.n_iter_no_change:d} consecutive epochs."
            )
            if self._optimizer.trigger_stopping(message, self.verbose):
                return True
            self._no_improvement_count = 0
        return False

    def _fit_lbfgs(self: Any, X: Any, y: Any, sample_weight: Any, *rest: Any) -> None:
        wanted, shapes = list(pairwise(rest[-1])), [np.shape(coef) for coef in self.coefs_]
        if shapes != wanted:
            raise ValueError(
                f"hidden_layer_sizes, X and y need weights of shapes {wanted}; the existing ones "
                f"have {shapes}"
            )
        if not self._is_known():
            super()._fit_lbfgs(X, y, sample_weight, *rest)  # type: ignore[misc]
            return
        self._lbfgs = self._session(Engine(self, X), X, y, sample_weight, X.shape[0])
        try:
            # Its vectors are short. The threads of BLAS would spin between two evaluations, on the
            # cores that these need.
            with ONE_BLAS_THREAD:
                super()._fit_lbfgs(X, y, sample_weight, *rest)  # type: ignore[misc]
        finally:
            del self._lbfgs
        if self.dtype != "auto":  # SciPy's answer is in float64
            self.coefs_ = [coef.astype(self.dtype) for coef in self.coefs_]
            self.intercepts_ = [intercept.astype(self.dtype) for intercept in self.intercepts_]

    def _loss_grad_lbfgs(self: Any, packed: NDArray[Any], *rest: Any) -> tuple[Any, NDArray[Any]]:
        session: Session | None = self.__dict__.get("_lbfgs")
        if session is None:  # called outside of a fit, or for a loss that the engine lacks
            theirs: tuple[Any, NDArray[Any]] = super()._loss_grad_lbfgs(packed, *rest)  # type: ignore[misc]
            return theirs
        self._unpack(packed.copy())  # the model is always that of the last evaluation
        return session.loss_and_gradient(packed)

    def _forward_pass_fast(self: Any, X: Any, check_input: bool = True) -> NDArray[Any]:
        if check_input:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        X = self._converted(X)
        n_weights = sum(np.size(coef) for coef in self.coefs_)
        few_rows = X.shape[0] < max(_FEW_ROWS, n_weights / _WEIGHTS_PER_ROW)
        if few_rows or not self._is_known():
            few: NDArray[Any] = super()._forward_pass_fast(X, False)  # type: ignore[misc]
            return few
        snapshot = _SNAPSHOTS[self]
        if snapshot is None or not snapshot.is_of(self, X):
            _SNAPSHOTS[self] = snapshot = Snapshot(self, X)
        return snapshot.predict(X, n_threads(self.n_jobs))
