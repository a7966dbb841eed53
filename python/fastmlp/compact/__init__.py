"""Smaller, faster models: distillation, and ensembles of fewer networks."""
