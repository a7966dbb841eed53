"""Mutated model files: each must load, or raise ModelFileError.

Run as a program, it tries any number of them:
``python tests/mutated_files.py --files 100000 --seed 0``.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
from saved_models import MAKERS, saved_model

import fastmlp
from fastmlp.model_file import ModelFileError
from fastmlp.model_file.container import packed, unpacked
from fastmlp.model_file.pipeline import load_pipeline

_SECONDS = 20  # that loading one file may take
_VALUES = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        3,
        7,
        255,
        2**31,
        2**53,
        2**62,
        2**63,
        2**64,
        -(2**70),
        10**400,
    ),
    *(0.5, -0.0, 1e-300, 1e300, 1e999, "inf", "-inf", "nan", "", "a", "x0", "é\ud800", "a" * 1000),
    *([], [0], [None], [[]], [1, 2, 3], {}, {"type": "tuple", "value": []}),
    *({"type": "object", "value": 0}, {"type": "os.system", "value": "true"}),
    *({"type": "bytes", "value": "zz"}, {"type": "decimal", "value": "sNaN"}),
    *({"type": "decimal", "value": "1e999999999"}, {"type": "fraction", "value": [1, 0]}),
    *({"type": "datetime64", "value": [-(2**63), "D", 1]}, {"type": "timedelta", "value": 2**62}),
    *(
        {"type": "interval", "value": [1, 0, "left"]},
        {"type": "random_state", "value": ["a", 0, 0, 0]},
    ),
    *({"type": "mapping", "value": [[1, 2]]}, {"type": "date", "value": "0000-00-00"}),
    *("dense", "embedding", "dropout", "scale", "sparse", "numeric", "category", "float64", "int8"),
)


def saved(name) -> bytes:
    """The bytes of a model with all that a file can hold."""
    model, rows, _ = saved_model(name)
    file = io.BytesIO()
    model.save(file, include_optimizer=True, check_rows=rows[:3])
    return file.getvalue()


class Mutations:
    """Makes mutated files of whole ones.

    Parameters
    ----------
    files : dict of bytes
        By the names of their models.
    rng : Generator
    """

    def __init__(self, files, rng) -> None:
        self.names, self.rng = sorted(files), rng
        self.files = files
        self.opened = {name: unpacked(data) for name, data in files.items()}

    def one(self, kind):
        """The name of a model, and its file after a mutation of this kind."""
        name = self._pick(self.names)
        return name, getattr(self, kind)(name)

    def _pick(self, some):
        return some[self.rng.integers(len(some))]

    def _parts(self, name):
        """A copy of the document, and the arrays."""
        document, arrays = self.opened[name]
        document = json.loads(json.dumps(document))
        document.pop("sha256")
        return document, dict(arrays)

    # ---- kinds of mutations

    def flipped(self, name):
        """A few bits are flipped."""
        data = bytearray(self.files[name])
        for position in self.rng.integers(len(data), size=self.rng.integers(1, 9)):
            data[position] ^= 1 << self.rng.integers(8)
        return bytes(data)

    def cut(self, name):
        """The end is missing, or something follows it, or a part within."""
        data = self.files[name]
        first, last = np.sort(self.rng.integers(len(data) + 1, size=2))
        return self._pick([data[:first], data + data[first:last], data[:first] + data[last:]])

    def header(self, name):
        """A number or a letter of safetensors' header is another, and the length of it fits."""
        data = self.files[name]
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        metadata = header.pop("__metadata__")
        own = header[self._pick(sorted(header))]
        choice = self.rng.integers(4)
        if choice == 0:
            own["dtype"] = self._pick(
                ["F64", "F32", "F16", "BF16", "I8", "U64", "BOOL", "F8_E5M2", "X"]
            )
        elif choice == 1:
            own["shape"] = [
                self._pick([0, 1, 2, 5, 2**31, 2**40, 2**62, 2**63, -1])
            ] * self.rng.integers(4)
        elif choice == 2:
            own["data_offsets"][self.rng.integers(2)] += int(self._pick([-8, -1, 1, 8, 2**40]))
        else:
            first, second = self._pick(sorted(header)), self._pick(sorted(header))
            header[first], header[second] = header[second], header[first]
        text = json.dumps({"__metadata__": metadata, **header}).encode()
        return len(text).to_bytes(8, "little") + text + data[8 + length :]

    def document(self, name):
        """Values of the document are others, with a checksum that fits."""
        document, arrays = self._parts(name)
        for _ in range(self.rng.integers(1, 4)):
            self._mutate(document)
        return packed_with_anything(document, arrays)

    def _mutate(self, document):
        places = [(document, key) for key in document]
        for owner, key in places:  # which grows
            inner = owner[key]
            if isinstance(inner, dict | list) and len(places) < 5000:
                places += [
                    (inner, k) for k in (inner if isinstance(inner, dict) else range(len(inner)))
                ]
        owner, key = self._pick(places)
        choice = self.rng.integers(6)
        if choice == 0:
            del owner[key]
        elif choice == 1 and isinstance(owner, list):
            owner.insert(key, owner[key])
        elif choice == 2:
            other, place = self._pick(places)
            if place in other if isinstance(other, dict) else place < len(other):
                owner[key] = json.loads(json.dumps(other[place]))
        elif choice == 3 and isinstance(owner[key], int) and not isinstance(owner[key], bool):
            owner[key] += int(self._pick([-1, 1, 2**20, 2**40]))
        else:
            owner[key] = self._pick(_VALUES)

    def letters(self, name):
        """Letters of the document's text are others, with a checksum that fits."""
        document, arrays = self._parts(name)
        text = json.dumps(document)
        while True:
            changed = list(text)
            for position in self.rng.integers(len(text), size=self.rng.integers(1, 3)):
                changed[position] = chr(self.rng.integers(32, 127))
            try:
                return packed_with_anything(json.loads("".join(changed)), arrays)
            except ValueError:  # is no JSON any more
                continue

    def tensors(self, name):
        """Tensors are spliced, of another shape or type, missing or filled with other numbers."""
        document, arrays = self._parts(name)
        for _ in range(self.rng.integers(1, 4)):
            one, other = self._pick(sorted(arrays)), self._pick(sorted(arrays))
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # of numbers that do not fit
                changed = self._changed(arrays[one], arrays[other])
            if changed is None:
                del arrays[one]
            else:
                arrays[one] = changed
        return packed(document, arrays)

    def _changed(self, array, other):
        choice = self.rng.integers(10)
        if choice < 5:
            return [other, array[:-1], np.concatenate([array, array]), array.ravel(), array.T][
                choice
            ]
        if choice == 5:
            return array[None]
        if choice == 6:
            return array.astype(self._pick(["f8", "f4", "f2", "i4", "i1", "u2"]))
        if choice == 7:
            return np.full_like(array, self._pick([0, 1, 100]))
        if choice == 8 and array.dtype.kind == "f":
            wild = [np.nan, np.inf, -np.inf, 0, -1, 1e-40, 1e30, 1e300]
            return self.rng.choice(wild, array.shape).astype(array.dtype)
        if choice == 8:
            bits = self.rng.integers(0, 256, array.nbytes, dtype=np.uint8)
            return bits.view(array.dtype).reshape(array.shape)
        return None

    def spliced(self, name):
        """A part of the document or some tensors are of another model."""
        document, arrays = self._parts(name)
        others, their_arrays = self._parts(self._pick(self.names))
        part = self._pick(["kind", "parameters", "pipeline", "training", "check_rows"])
        document[part] = others[part]
        if self.rng.integers(2):
            inner = document["pipeline"]
            key = self._pick(sorted(inner))
            inner[key] = others["pipeline"].get(key)
        return packed(document, {**arrays, **their_arrays} if self.rng.integers(2) else arrays)


KINDS = ("flipped", "cut", "header", "document", "letters", "tensors", "spliced")


def packed_with_anything(document, arrays) -> bytes:
    """A file with a fitting checksum, also of a document that no JSON library writes."""
    try:
        return packed(document, arrays)
    except (TypeError, ValueError):
        return (
            packed({"format_version": document}, arrays) if _is_json(document) else packed({}, {})
        )


def _is_json(document):
    try:
        json.dumps(document, allow_nan=False)
    except ValueError:
        return False
    return True


def outcome(name, data) -> str:
    """What becomes of a file: "refused" or "loaded"; then the model predicts, which may fail."""
    rows = saved_model(name)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(ModelFileError):
            load_pipeline(data)
        try:
            model = fastmlp.load(data)
        except ModelFileError:
            return "refused"
        try:
            model.predict(rows)
        except (ValueError, TypeError):
            return "loaded, and cannot predict"
    return "loaded"


def main() -> int:
    """Try many files; 1 if one neither loads nor is refused."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=int, default=2048, help="MiB of address space to add")
    options = parser.parse_args()
    faulthandler.enable()
    mutations = Mutations(
        {name: saved(name) for name in MAKERS}, np.random.default_rng(options.seed)
    )
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + options.memory * 2**20,) * 2)
    counts, failed, slowest, start = Counter(), 0, 0.0, time.perf_counter()
    for number in range(options.files):
        kind = KINDS[number % len(KINDS)]
        name, data = mutations.one(kind)
        begin = time.perf_counter()
        signal.alarm(_SECONDS)
        try:
            found = outcome(name, data)
        except Exception as error:
            failed += 1
            found = "failed"
            if failed <= 20:
                print(f"file {number}, {kind} of {name}: {type(error).__name__}: {error}")
                print("".join(traceback.format_tb(error.__traceback__)[-3:]))
        signal.alarm(0)
        slowest = max(slowest, time.perf_counter() - begin)
        counts[kind, found] += 1
    for (kind, found), n in sorted(counts.items()):
        print(f"{kind:10} {found:28} {n:8,}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - start
    print(
        f"{options.files:,} files of {max(map(len, mutations.files.values())):,} bytes and less in "
        f"{seconds:.0f} s; {failed} failed; slowest {slowest:.2f} s; peak {peak:.0f} MiB"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
