"""One run of linking, step by step: thresholds, scores to persons, estimated accuracy, and the gate."""

from include.identity.linking.gate import Figures
from include.identity.linking.link_steps import RUNS, Work, forget_compared, run_folder
from include.identity.linking.threshold_choice import thresholds
