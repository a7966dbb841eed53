"""Attributions: Shapley values of predictions."""

import pickle
from itertools import permutations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from columns_of_every_kind import people
from scipy.stats import spearmanr
from sparse_tables import sparse_rows
from tiny_models import LEARNING, TINY

from fastmlp import Classifier, Regressor
from fastmlp.inspection.shapley.coalitions import AllCoalitions, Permutations, coalitions_of
