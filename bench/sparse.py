"""Compare accuracy and time on sparse rows: word weights of synthetic documents, and indicators.

Documents mix frequent words (Zipf's law) with words of their class's topic. See docs/sparse.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import OneHotEncoder
from tables import adult

from fastmlp import Classifier
from fastmlp.neural_network import MLPClassifier

TEST_ROWS = 2000
MODELS = {
    "Classifier": lambda seed: Classifier(random_state=seed),
    "MLPClassifier": lambda seed: MLPClassifier(random_state=seed),
    "LogisticRegression": lambda _: LogisticRegression(max_iter=300),
}


class Documents(NamedTuple):
    """How documents are made."""

    n_rows: int
    n_words: int
    n_classes: int
    share: float  # of the words that are of a topic, the mean
    length: int  # in words, the mean
    noise: float = 0.0  # share of labels that are drawn at random
    pairs: bool = False  # two classes, by whether one of two pairs of topics is mixed


TASKS = {
    "2 classes": Documents(400, 400, 2, 0.15, 40, 0.05),
    "10 classes": Documents(500, 10_000, 10, 0.25, 60),
    "5 classes": Documents(1000, 3000, 5, 0.2, 40, 0.05),
    "3 classes": Documents(3000, 20_000, 3, 0.05, 120, 0.1),
    "pairs of topics": Documents(4000, 3000, 2, 0.3, 60, pairs=True),
    "20 classes": Documents(5000, 10_000, 20, 0.2, 60, 0.1),
    "2 classes, many": Documents(15_000, 30_000, 2, 0.06, 80, 0.05),
}
Split = tuple[csr_array, NDArray[Any], csr_array, NDArray[Any]]  # for training, then for test


def documents(task: Documents, seed: int) -> Split:
    """Make TF-IDF rows, `n_rows` for training and the others for test."""
    rng = np.random.default_rng(seed)
    n_rows = task.n_rows + TEST_ROWS
    zipf = 1 / np.arange(1, task.n_words + 1) ** 1.05
    topics = np.zeros((4 if task.pairs else task.n_classes, task.n_words))
    for topic in topics:
        own = rng.choice(task.n_words, max(20, task.n_words // 20), replace=False)
        topic[own] = np.sqrt(zipf[own]) * rng.gamma(0.5, size=own.size)
    lengths = np.maximum(3, rng.gamma(2, task.length / 2, n_rows)).astype(int)
    if task.pairs:
        first, second = rng.integers(0, 2, (2, n_rows))
        y = first ^ second
    else:
        y = first = rng.integers(0, task.n_classes, n_rows)
        second = first - 2  # so that both are the same topic
    document = np.repeat(np.arange(n_rows), lengths)
    word = draw(zipf, document.size, rng)
    in_topic = rng.random(document.size) < np.repeat(
        2 * task.share * rng.beta(2, 2, n_rows), lengths
    )
    topic_of = np.where(rng.random(document.size) < 0.5, first[document], second[document] + 2)
    for number, topic in enumerate(topics):
        chosen = in_topic & (topic_of == number)
        word[chosen] = draw(topic, chosen.sum(), rng)
    counts = csr_array((np.ones(word.size), (document, word)), (n_rows, task.n_words))
    y = np.where(rng.random(n_rows) < task.noise, rng.integers(0, task.n_classes, n_rows), y)
    rows = TfidfTransformer().fit(counts[: task.n_rows]).transform(counts)
    return rows[: task.n_rows], y[: task.n_rows], rows[task.n_rows :], y[task.n_rows :]


def draw(weights: NDArray[Any], size: int, rng: np.random.Generator) -> NDArray[Any]:
    """Draw positions with these weights."""
    ends = np.cumsum(weights)
    return np.searchsorted(ends, ends[-1] * rng.random(size), side="right").clip(0, ends.size - 1)


def indicators(data: Path, seed: int) -> Split:
    """Make rows of 5,000 people of `adult`: amounts as they are, categories as indicators."""
    table = adult(data)
    rng = np.random.default_rng(seed)
    train, test = np.split(rng.permutation(len(table.y))[: 5000 + TEST_ROWS], [5000])
    numeric = table.X.select_dtypes("number").columns
    encoder = make_column_transformer(
        ("passthrough", numeric),
        (OneHotEncoder(handle_unknown="ignore"), table.X.columns.drop(numeric)),
        sparse_threshold=1,
    )
    rows = encoder.fit_transform(table.X.iloc[train])
    return rows, table.y[train], encoder.transform(table.X.iloc[test]), table.y[test]


def main() -> None:
    """Print a table: accuracy, log-loss and seconds of each program, the means over seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with adult-train.csv.gz and -test")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    options = parser.parse_args()
    makers = {name: lambda seed, task=TASKS[name]: documents(task, seed) for name in options.tasks}
    if options.data:
        makers["adult"] = lambda seed: indicators(options.data, seed)
    print("| task | rows x columns |", " | ".join(MODELS), "|")
    print("|---" * (2 + len(MODELS)) + "|")
    for name, make in makers.items():
        measured: dict[str, list[tuple[float, float, float]]] = {model: [] for model in MODELS}
        for seed in range(options.seeds):
            X, y, X_test, y_test = make(seed)
            for label, new in MODELS.items():
                model = new(seed)
                start = time.perf_counter()
                model.fit(X, y)
                seconds = time.perf_counter() - start
                loss = log_loss(y_test, model.predict_proba(X_test), labels=model.classes_)
                measured[label].append((model.score(X_test, y_test), loss, seconds))
        means = [np.mean(values, axis=0) for values in measured.values()]
        cells = [f"{a:.3f}, {loss:.3f}, {seconds:.2g} s" for a, loss, seconds in means]
        print(f"| {name} | {X.shape[0]:,} x {X.shape[1]:,} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
