"""Training in rounds: participants train on rows of their own, a coordinator averages.

What data-parallel and federated training share. See `Coordinator` and `Participant`.
"""
