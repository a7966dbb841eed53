"""Regression and classification: everything about targets, from encoding to scores."""

from fastmlp.tasks.classification import ClassificationTask
from fastmlp.tasks.multioutput import MultioutputClassificationTask
from fastmlp.tasks.regression import RegressionTask
from fastmlp.tasks.task import Task

__all__ = ["ClassificationTask", "MultioutputClassificationTask", "RegressionTask", "Task"]
