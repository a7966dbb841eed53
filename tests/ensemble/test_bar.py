"""The progress bar: overwritten in terminals, a line now and then in logs."""

import os
import re
import sys
import time
from io import StringIO

import pytest

from fastmlp.ensemble import bar
from fastmlp.ensemble.bar import Bar
from fastmlp.ensemble.progress import EpochRecord, Progress


class Terminal(StringIO):
    def isatty(self):
        return True


def test_a_log_gets_a_line_now_and_then(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    shown = Bar(40, "epoch")
    for second in range(1, 36):
        now[0] = float(second)
        shown.advance(f"error {second}")
    shown.close("error 35, ended by time limit")
    assert capsys.readouterr().err.splitlines() == [
        "  2% 1/40 epochs [00:01<00:39], error 1",
        " 28% 11/40 epochs [00:11<00:29], error 11",
        " 52% 21/40 epochs [00:21<00:19], error 21",
        " 78% 31/40 epochs [00:31<00:09], error 31",
        "100% 35/35 epochs [00:35<00:00], error 35, ended by time limit",
    ]


def test_a_terminal_gets_one_line(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    shown = Bar(3, "epoch")
    shown.expect(5)
    for _ in range(5):
        shown.advance("error 1")
    assert shown.is_full
    shown.close("error 1")
    text = sys.stderr.getvalue()
    assert text.count("\n") == 1
    assert re.search(r"100%.*5/5 .*, error 1\]", re.split(r"[\r\n]", text.rstrip())[-1])


def test_no_stream_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(bar, "_SECONDS", 0.0)
    shown = Bar(3, "epoch")
    shown.advance("error 1")
    shown.close("error 1")


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (["max_iter", "max_iter"], ""),
        (["time_limit", "time_limit"], ", ended by time limit"),
        (["no_improvement", "max_iter", "callback"], ", ended by early stopping, callback"),
    ],
)
def test_why_epochs_are_left_out(reasons, said, capsys):
    n = len(reasons)
    progress = Progress(1, [2] * n, (), lambda loss: ("RMSE", 100 * loss))
    for network, reason in enumerate(reasons):
        progress.record(EpochRecord(1, 0.5, 0.25, 0.1, network=network))
        if reason == "max_iter":
            progress.record(EpochRecord(2, 0.5, 0.35, 0.1, network=network))
        progress.ended(reason)
    progress.close()
    errors = [35 if reason == "max_iter" else 25 for reason in reasons]
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(f", {n}/{n} networks, validation RMSE {sum(errors) / n:.4g}{said}")


def test_a_terminal_without_a_width_shows_the_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(bar, "get_terminal_size", lambda fallback: os.terminal_size((0, 0)))
    shown = Bar(1, "epoch")
    shown.advance("error 1")
    shown.close("error 1")
    assert "100%" in sys.stderr.getvalue()
