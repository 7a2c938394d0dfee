"""The linkage model: comparisons and their SQL, training by expectation maximisation, thresholds."""

from include.identity.linkage_model.comparison_sql import (
    compare,
    conditions,
    count_frequencies,
    gammas,
    labels,
    names,
    weight,
    weights,
)
from include.identity.linkage_model.comparisons import Settings
from include.identity.linkage_model.model import SHARED_NUMBERS, LevelWeight, Model, ModelUnusable, Training, load_model
from include.identity.linkage_model.training import fits, train
