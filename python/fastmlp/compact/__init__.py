"""Models that predict in less time: distillation, and ensembles of fewer networks."""
