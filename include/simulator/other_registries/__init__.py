"""The other registries of the simulated country: business, procedures, dossiers, documents, programme.

The documentation calls them the other systems (docs/explanation/other-systems.md). They speak of the same enterprises,
persons and wards as the four registries and draw from random streams of their own.
"""

from include.simulator.other_registries.business import build_business
from include.simulator.other_registries.documents import build_documents
from include.simulator.other_registries.dossiers import build_dossiers
from include.simulator.other_registries.procedures import build_procedures
from include.simulator.other_registries.programme import build_programme
