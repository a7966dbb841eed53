"""Training in rounds: participants train on rows of their own, a coordinator averages.

Data-parallel and federated training are both based on this. See `Coordinator` and `Participant`.
The rounds of an ensemble, over the folds of its rows, are something else.
"""
