"""TableEncoder: raw tables as the numbers that the estimators' networks read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from fastmlp.ensemble.recipe import NUMERIC_EMBEDDINGS, SIGMA, category_widths
from fastmlp.estimators.fitted_attribute import FittedAttribute
from fastmlp.networks import Embedding
from fastmlp.table.bin_edges import learn_bin_edges
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.scaling import Scaling, learn_scaling

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True, eq=False)
class _Learnt:
    """What is learnt of a table: columns, and of standardised numbers scale and bin edges."""

    encoder: DenseEncoder
    scaling: Scaling | None = None
    bin_edges: Sequence[Sequence[float]] = ()

    @cached_property
    def used(self) -> slice | NDArray[np.intp]:
        """Which of the encoder's columns are not zeros that stand for a column that is not used."""
        encoder = self.encoder
        if encoder.learnt is None:
            return slice(None)
        are_used = [encoder.learnt[position].kind != "constant" for position in encoder.raw_columns]
        return np.flatnonzero(are_used)

    @property
    def n_flags(self) -> int:
        """Columns of flags among those that are used."""
        n_unused = sum(column.kind == "constant" for column in self.encoder.learnt or ())
        return self.encoder.n_flags - n_unused


class TableEncoder(TransformerMixin, BaseEstimator):
    """Turn a raw table into the numbers that the networks of the estimators read.

    Use it for training loops of your own, and for other models; Regressor and Classifier contain
    it. Numbers, dates, durations, text, categories and booleans are read by the same rules, with
    the same errors and warnings (docs/columns.md). A row becomes

    - numbers, including those of dates, durations and text; then
    - flags: 1 where a number is missing, for columns in which some were missing in `fit`; -1 and 1
      for columns of two labels (0 for others); then
    - codes of labels, from 1 for the most frequent one; 0 for rare labels and those that were not
      in `fit`.

    Columns without information, in which all labels are the same or all differ, are left out.

    Parameters
    ----------
    categorical_features : "from_dtype" or array-like, default="from_dtype"
        Columns of numbers that are categories nevertheless: names, positions or a mask. By default
        text, booleans and columns of a categorical type.
    standardize : bool, default=True
        Whether numbers get median 0 and interquartile range 1, outliers are compressed to at most 3
        in absolute value, and missing numbers become 0. False: numbers are not scaled, and missing
        ones are NaN.

    Attributes
    ----------
    n_numbers_ : int
        Numbers in an encoded row, which come first.
    n_flags_ : int
        Flags, which follow.
    category_sizes_ : tuple of int
        The largest code of each column of labels; these columns come last.
    n_features_in_ : int
        Number of columns of the raw table.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if they have names that are all strings.

    Examples
    --------
    A frame, and a network of your own that is trained on it:

    >>> import numpy as np
    >>> import pandas as pd
    >>> from fastmlp import Dense, Network, Optimizer, TableEncoder
    >>> rng = np.random.default_rng(0)
    >>> houses = pd.DataFrame(
    ...     {
    ...         "area": rng.uniform(40, 200, 200),
    ...         "town": rng.choice(["Ulm", "Gera", "Bonn"], 200),
    ...         "sold": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, 200), "D"),
    ...     }
    ... )
    >>> price = (houses["area"] / 100 + (houses["town"] == "Ulm")).to_numpy()[:, None]
    >>> encoder = TableEncoder()
    >>> X = encoder.fit_transform(houses)
    >>> encoder.get_feature_names_out().tolist()
    ['area', 'sold', 'sold (sine of week)', 'sold (cosine of week)', 'town']
    >>> embedding = encoder.embedding()
    >>> network = Network(
    ...     [embedding, Dense(embedding.outputs, 16, "silu"), Dense(16, 1)], random_state=0
    ... )
    >>> optimizer = Optimizer(network, solver="adam", learning_rate_init=0.01)
    >>> for step in range(200):
    ...     loss = network.backward(X, price)
    ...     norm = optimizer.step()
    >>> bool(loss < 0.01)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "categorical_features": ["array-like", str],
        "standardize": ["boolean"],
    }
    _model: _Learnt

    n_numbers_ = FittedAttribute(lambda learnt: learnt.encoder.n_numeric)
    n_flags_ = FittedAttribute(lambda learnt: learnt.n_flags)
    category_sizes_ = FittedAttribute(lambda learnt: learnt.encoder.category_sizes)
    n_features_in_ = FittedAttribute(lambda learnt: learnt.encoder.n_columns)
    feature_names_in_ = FittedAttribute(
        lambda learnt: learnt.encoder.feature_names, "X had no column names that are all strings"
    )

    def __init__(self, categorical_features: Any = "from_dtype", standardize: bool = True) -> None:
        self.categorical_features = categorical_features
        self.standardize = standardize

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the columns of a table.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
            A raw table, as for ``Regressor.fit``; not sparse rows, which need no encoding.
        y : None
            Not used.

        Returns
        -------
        self
            The fitted encoder.

        Raises
        ------
        ValueError
            If X is not 2-D, has no rows or columns, or holds infinity, complex numbers, free text
            or amounts in several formats, or if `categorical_features` does not fit it.
        TypeError
            If X is sparse or lazy, or holds nested values.
        """
        self._learn(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> NDArray[Any]:
        """Learn the columns of a table, and encode its rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)
        y : None
            Not used.

        Returns
        -------
        ndarray of shape (n_rows, n_numbers_ + n_flags_ + len(category_sizes_))
            As from `transform`.

        Raises
        ------
        ValueError, TypeError
            As `fit`.
        """
        return self._numbers(self._learn(X))

    def transform(self, X: Any) -> NDArray[Any]:
        """Encode the rows of a table with the columns of that in `fit`.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_rows, n_numbers_ + n_flags_ + len(category_sizes_))
            Of float32; of float64 without `standardize`.

        Raises
        ------
        ValueError, TypeError
            If X has other columns than in `fit`, or values of other kinds.
        """
        check_is_fitted(self)
        encoder = self._model.encoder
        encoder.check_features(X, type(self).__name__)
        return self._numbers(encoder.encode(X))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the encoded columns: the raw column's name and, if needed, what a number or flag
        means.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the raw columns if they have none; else the same names.

        Returns
        -------
        ndarray of str

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If `input_features` are not the names of the training table, or not as many.
        """
        check_is_fitted(self)
        encoder = self._model.encoder
        names = _check_feature_names_in(self, input_features)
        columns = zip(encoder.columns, names.tolist(), strict=True)
        named = tuple(replace(column, name=name) for column, name in columns)
        encoded = DenseEncoder.of_columns(names, named, encoder.listed).names_of_encoded
        return np.array(encoded, dtype=object)[self._model.used]

    def embedding(
        self,
        numeric_embedding: Literal["periodic", "piecewise_linear", "both"] | None = "both",
        *,
        sigma: float = SIGMA,
    ) -> Embedding:
        """The first layer of a network that reads encoded rows, as the estimators have it.

        Columns of up to nine labels are one-hot, those of more have learnt vectors.

        Parameters
        ----------
        numeric_embedding : {"periodic", "piecewise_linear", "both"} or None, default="both"
            Features of each number, beside the number itself.
        sigma : float, default=0.3
            Standard deviation of the initial frequencies of periodic features.

        Returns
        -------
        Embedding
            Whose ``outputs`` are the inputs of the next layer.

        Raises
        ------
        ValueError
            If numbers are not standardised, or `numeric_embedding` is unknown.
        """
        check_is_fitted(self)
        if self._model.scaling is None:
            raise ValueError("numeric_embedding needs scaled numbers: set standardize=True")
        if numeric_embedding not in (*NUMERIC_EMBEDDINGS, None):
            raise ValueError(
                f"numeric_embedding must be one of {NUMERIC_EMBEDDINGS} or None; got "
                f"{numeric_embedding!r}"
            )
        return Embedding(
            self.n_numbers_,
            self.n_flags_,
            numeric_embedding in ("periodic", "both"),
            sigma,
            self._model.bin_edges if numeric_embedding in ("piecewise_linear", "both") else (),
            category_widths(self.category_sizes_),
        )

    def _learn(self, X: Any) -> NDArray[Any]:
        """Learn the columns of X; returns its rows as they are before numbers are scaled."""
        validate_parameter_constraints(
            self._parameter_constraints, self.get_params(deep=False), type(self).__name__
        )
        encoder, encoded = DenseEncoder.learn(X, self.categorical_features)
        learnt = _Learnt(encoder)
        if self.standardize:
            scaling = learn_scaling(encoded, encoder.n_numeric, None, None, robust=True)
            learnt = _Learnt(encoder, scaling, learn_bin_edges(encoded, scaling, None, None))
        self._model = learnt
        return encoded

    def _numbers(self, encoded: NDArray[Any]) -> NDArray[Any]:
        """A new array of the encoded rows, with standardised numbers."""
        scaling, used = self._model.scaling, self._model.used
        if scaling is None:
            return np.array(encoded[:, used], dtype=np.float64)
        numbers = np.array(encoded[:, used], dtype=np.float32)
        for j in range(scaling.n_numeric):
            scaled = scaling.apply(encoded[:, j].astype(np.float64), j)
            numbers[:, j] = np.nan_to_num(scaled, nan=0.0)
        return numbers

    def __sklearn_is_fitted__(self) -> bool:
        return "_model" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags
