"""Quality: each extracted row gets one outcome, a second engine counts the same rules, a gate compares with tolerances.

Packages in the order of the work: `conversion`, `split`, `expectations`.
"""

from include.quality.errors import QualityError
from include.quality.gate import judge
from include.quality.rejected_keys import renew_rejected_keys
from include.quality.table_quality import judged, judgement_of, measured, standing
