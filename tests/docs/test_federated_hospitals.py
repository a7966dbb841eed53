"""examples/federated_hospitals.py: what it prints."""

import federated_hospitals


def test_together_hospitals_are_better_than_each_alone(capsys, monkeypatch):
    quick = {"n_estimators": 1, "max_iter": 40}
    monkeypatch.setattr(federated_hospitals, "PARAMETERS", federated_hospitals.PARAMETERS | quick)
    federated_hospitals.main()
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["model", "rows", "accuracy", "log", "loss", "time"]
    names = [line[:16].strip() for line in lines]
    assert names == [*(f"hospital {k}" for k in range(1, 6)), "federated", "in one place"]
    cells = [line[16:].split() for line in lines]
    n_rows = [int(rows) for rows, *_ in cells]
    assert sum(n_rows[:5]) == n_rows[5] == n_rows[6] == 398
    losses = [float(loss) for _, _, loss, *_ in cells]
    assert losses[5] < min(losses[:5])
    assert losses[5] < losses[6] + 0.1
