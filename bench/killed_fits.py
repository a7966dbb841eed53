"""Kill a fit at random moments, go on from its checkpoint, and compare with an unbroken one.

See README.md in this folder.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from compare import positive

from fastmlp import Checkpoint, Classifier, Regressor
from fastmlp.checkpoints import file

MODELS = {"regression": Regressor, "classification": Classifier}


def main() -> None:
    """Read the arguments, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=positive, default=10)
    parser.add_argument("--rows", type=positive, default=3000)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--task", choices=MODELS, default="regression")
    parser.add_argument("--fit", metavar="FILE", help=argparse.SUPPRESS)  # in a process of its own
    args = parser.parse_args()
    if args.fit:
        print(digest_of_fit(args.task, args.rows, Path(args.fit)))
        return
    start = time.perf_counter()
    unbroken = digest_of_fit(args.task, args.rows)
    seconds = time.perf_counter() - start
    print(f"unbroken fit: {seconds:.1f} s, {unbroken[:16]}")
    with tempfile.TemporaryDirectory() as folder:
        broken = killed_fit(args, Path(folder) / "fit.checkpoint", seconds)
    print(f"killed fit:   {broken[:16]}, {'the same' if broken == unbroken else 'OTHER'} bits")
    sys.exit(broken != unbroken)


def killed_fit(args: argparse.Namespace, checkpoint: Path, seconds: float) -> str:
    """Digest of a fit that is killed so many times; `seconds` is what it takes unbroken."""
    rng = np.random.default_rng(args.seed)
    own = [sys.executable, __file__, "--fit", str(checkpoint)]
    command = [*own, "--task", args.task, "--rows", str(args.rows)]
    kills = 0
    while True:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if kills < args.kills:
            try:
                begin(process, checkpoint)
                process.wait(rng.uniform(0, 2 * seconds / args.kills))
            except subprocess.TimeoutExpired:
                process.kill()
        printed, _ = process.communicate()
        if process.returncode == 0:
            if kills < args.kills:
                print(f"it ended after {kills} kills: take more --rows")
            return printed.strip()
        kills += 1
        states = file.read(checkpoint).states
        epochs = sum(int(state["n_iter"]) for state in states.values())
        ended = sum(bool(state["ended"]) for state in states.values())
        print(f"kill {kills}: {epochs} epochs of {len(states)} networks are kept, {ended} ended")


def begin(process: subprocess.Popen[str], checkpoint: Path) -> None:
    """Wait until the process has taken up the fit: until the file is there, and is a new one."""
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
    while process.poll() is None:
        if checkpoint.exists() and checkpoint.stat().st_mtime_ns != before:
            return
        time.sleep(0.01)


def digest_of_fit(task: str, n_rows: int, checkpoint: Path | None = None) -> str:
    """Digest of all numbers of the networks that a fit gives, and of their weights."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n_rows, 12))
    y: Any = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + 0.2 * rng.normal(size=n_rows)
    if task == "classification":
        y = np.digitize(y, [-0.5, 0.5])
    kept = None if checkpoint is None else Checkpoint(checkpoint, epochs=1)
    model = MODELS[task](random_state=0).fit(X, y, checkpoint=kept)
    digest = sha256(model.estimator_weights_.tobytes())
    for network in model.networks_:
        for parameters in network.parameters:
            digest.update(np.ascontiguousarray(parameters).data)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
