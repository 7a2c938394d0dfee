"""Independent evaluation of the contract's rules by Great Expectations on the same rows; both counts must agree."""

from include.quality.expectations.assessment import Assessment, assess
from include.quality.expectations.gx import import_gx, import_gx_meanwhile
