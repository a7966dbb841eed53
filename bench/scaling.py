"""Measure how speed changes with the size of a layer, of the table and of the network.

Each subcommand writes a figure and its numbers, NAME.png and NAME.json. See README.md in this
folder.
"""

from __future__ import annotations

import argparse
import math
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import joblib
import matplotlib as mpl
from compare import aligned, alternate, fit_fastmlp, origin, peak_gflops, positive, write_json
from workloads import Workload

mpl.use("Agg")
from matplotlib import pyplot as plt

PRODUCTS = ("forward", "backward", "weight_gradient")
ROWS = (10_000, 31_623, 100_000, 316_228, 1_000_000, 3_162_278, 10_000_000)
FURTHER_ROWS = 1_000_000  # least rows in the further epochs of `rows`, so that their time shows
WIDTHS = (32, 64, 128, 256, 512, 1024, 2048)
BATCH = 256
FEWEST_ROWS, MOST_ROWS = 1024, 16_384  # of the tables of `width`
WARM_UP = 0.5  # seconds, and at least one fit


def run_native(path: Path, *arguments: str) -> list[str]:
    """Run the native benchmark and return the lines that it prints."""
    command = [str(path.resolve()), *arguments]
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
    return str(done.stdout).splitlines()


def kernels(options: argparse.Namespace) -> dict[str, Any]:
    """GFLOP/s of the three products of a layer against its size, and the peak of a core."""
    # The CSV does not name the build. The head of the tables does; this run has no fit.
    head = run_native(options.native, "steps", "--only", "(none)", "--repeats", "1")[0]
    build = ", ".join(head.split(", ")[:2])  # instruction set and compiler
    more = ["--repeats", str(options.repeats), *(["--quick"] if options.quick else [])]
    peak: dict[str, float] = {}
    results: list[dict[str, Any]] = []
    for line in run_native(options.native, "kernels", "--csv", *more):
        name, dtype, *cells = line.split(",")
        if name == "one_core":
            peak[dtype] = float(cells[0])
        elif name in PRODUCTS:
            rate, of_peak = float(cells[2]), float(cells[3])
            results.append({"product": name, "type": dtype, "size": int(cells[0])})
            results[-1] |= {"gflops": rate, "fraction_of_peak": of_peak}

    lines = [["product", "type", "best GFLOP/s", "of peak", "at size"]]
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for axes, dtype in zip(panels, peak, strict=True):
        for product in PRODUCTS:
            found = [r for r in results if (r["product"], r["type"]) == (product, dtype)]
            sizes, rates = [r["size"] for r in found], [r["gflops"] for r in found]
            axes.plot(sizes, rates, ".-", markersize=4, label=product.replace("_", " "))
            best = max(rates)
            at = str(sizes[rates.index(best)])
            lines.append([product, dtype, f"{best:.1f}", f"{best / peak[dtype]:.1%}", at])
        axes.axhline(peak[dtype], color="black", linestyle="--", label="measured peak of one core")
        dress(axes, dtype, "inputs and outputs of the layer", "GFLOP/s", base=2)
    figure.suptitle(f"Products of a layer, 256 rows, one thread: {build}")
    print(f"{build}\n{aligned(lines)}")
    return {"native_build": build, "peak_gflops": peak, "results": results}


def rows(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds per row of an epoch against the rows of the table: flat if training is linear.

    A fit does more than its epoch: it validates the table and creates the network. So a further
    epoch is reported too: the time of a fit with more epochs, minus that of a fit of one epoch just
    before it, divided by the number of further epochs.
    """
    counts = [n for n in ROWS if n <= options.largest]
    whole = Workload("rows", counts[-1], 8, (64,), batch=BATCH, epochs=1)
    X, y = whole.data("float32")
    further = {n: math.ceil(FURTHER_ROWS / n) for n in counts}
    runs = {}
    for n in counts:
        for epochs in (1, 1 + further[n]):
            work = replace(whole, rows=n, epochs=epochs)
            runs[n, epochs] = partial(fit_fastmlp, work, X[:n], y[:n], threads=options.threads)
    times = alternate(runs, options.repeats, WARM_UP)

    results: list[dict[str, Any]] = []
    for n in counts:
        one, more = times[n, 1], times[n, 1 + further[n]]
        epoch = [(b - a) / further[n] for a, b in zip(one, more, strict=True)]
        seconds = {"fit of one epoch": median(one), "a further epoch": median(epoch)}
        results.append({"rows": n, "further_epochs": further[n], "seconds": seconds})
        results[-1]["seconds_per_row"] = {name: s / n for name, s in seconds.items()}
        results[-1]["all_seconds"] = {"one epoch": one, "with further epochs": more}

    axes = plt.figure(figsize=(7, 4.5), layout="constrained").add_subplot()
    columns = [["rows", *(f"{n:,}" for n in counts)]]
    spread = {}
    for name in results[0]["seconds"]:
        nanoseconds = [1e9 * r["seconds_per_row"][name] for r in results]
        spread[name] = max(nanoseconds) / min(nanoseconds)
        axes.plot(counts, nanoseconds, "o-", label=name)
        columns.append([f"{name}, s", *(f"{r['seconds'][name]:.5f}" for r in results)])
        columns.append(["ns/row", *(f"{value:.1f}" for value in nanoseconds)])
    title = f"An epoch: 8 inputs, 64 hidden units, float32, {threads_of(options)}"
    dress(axes, title, "rows of the table", "nanoseconds per row", base=10)
    print(aligned([list(line) for line in zip(*columns, strict=True)]))
    for name, ratio in spread.items():
        print(f"{name}: largest / smallest seconds per row {ratio:.2f}")
    return {"largest_over_smallest": spread, "results": results}


def of_width(width: int, madds: float) -> Workload:
    """Two hidden layers of `width`, with rows and epochs for about `madds` multiply-adds."""
    one_row = Workload(f"width {width}", 1, width, (width, width), batch=BATCH, epochs=1)
    visits = madds / (one_row.training_flops() / 2)
    epochs = math.ceil(visits / MOST_ROWS)
    rows = max(FEWEST_ROWS, BATCH * round(visits / epochs / BATCH))
    return replace(one_row, rows=rows, epochs=epochs)


def width(options: argparse.Namespace) -> dict[str, Any]:
    """GFLOP/s of training against the width of the network, with about equal arithmetic."""
    works = {w: of_width(w, options.work) for w in WIDTHS if w <= options.largest}
    runs = {
        w: partial(fit_fastmlp, work, *work.data("float32"), threads=options.threads)
        for w, work in works.items()
    }
    peaks = [peak_gflops(options.threads, "float32")]
    times = alternate(runs, options.repeats, WARM_UP)
    peaks.append(peak_gflops(options.threads, "float32"))

    results: list[dict[str, Any]] = []
    lines = [["width", "rows", "epochs", "multiply-adds", "s", "GFLOP/s", "of peak"]]
    for w, work in works.items():
        seconds, flops = median(times[w]), work.training_flops()
        rate = flops / seconds * 1e-9
        lines.append([str(w), f"{work.rows:,}", f"{work.epochs:,}", f"{flops / 2:.3g}"])
        lines[-1] += [f"{seconds:.4f}", f"{rate:.1f}", f"{rate / max(peaks):.1%}"]
        results.append({"width": w, "rows": work.rows, "epochs": work.epochs, "flops": flops})
        results[-1] |= {"seconds": seconds, "gflops": rate, "all_seconds": times[w]}
        results[-1]["fraction_of_peak"] = rate / max(peaks)

    axes = plt.figure(figsize=(7, 4.5), layout="constrained").add_subplot()
    axes.plot(list(works), [r["gflops"] for r in results], "o-", label="training, whole fit")
    axes.axhline(max(peaks), color="black", linestyle="--", label="NumPy's matrix product")
    title = f"Two hidden layers, equal arithmetic, float32, {threads_of(options)}"
    dress(axes, title, "inputs and units of either hidden layer", "GFLOP/s", base=2)
    print(aligned(lines))
    return {"peaks_before_and_after": peaks, "results": results}


def threads_of(options: argparse.Namespace) -> str:
    return f"{options.threads} thread{'s' * (options.threads > 1)}"


def dress(axes: Any, title: str, x: str, y: str, *, base: int) -> None:
    """Set titles and scales of a finished plot: x logarithmic, y from zero."""
    axes.set_xscale("log", base=base)
    if base == 2:
        axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set(title=title, xlabel=x, ylabel=y, ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for measure, repeats in ((kernels, 5), (rows, 5), (width, 3)):
        summary = str(measure.__doc__).splitlines()[0]
        command = commands.add_parser(measure.__name__, help=summary)
        command.set_defaults(measure=measure)
        command.add_argument("--out", type=Path, required=True, metavar="DIR")
        command.add_argument("--repeats", type=positive, default=repeats, metavar="N")
        if measure is kernels:
            command.add_argument("--native", type=Path, required=True, metavar="PATH")
            command.add_argument("--quick", action="store_true", help="15 sizes instead of 142")
            continue
        command.add_argument("--threads", type=positive, default=joblib.cpu_count(), metavar="N")
        largest = ROWS[-1] if measure is rows else WIDTHS[-1]
        command.add_argument("--largest", type=positive, default=largest, metavar="N")
        if measure is width:
            command.add_argument("--work", type=float, default=2e11, metavar="MULTIPLY-ADDS")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    settings = {name: value for name, value in vars(options).items() if name != "measure"}
    report = origin(with_torch=False) | {"settings": settings} | options.measure(options)
    path = options.out / options.command
    write_json(path.with_suffix(".json"), report)
    plt.savefig(path.with_suffix(".png"), dpi=150)


if __name__ == "__main__":
    main()
