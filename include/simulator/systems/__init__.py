"""The other systems of the simulated country: business, procedures, dossiers, documents, programme.

They speak of the same enterprises, persons and wards as the four registries and draw from random streams of their own.
"""

from include.simulator.systems.business import build_business
from include.simulator.systems.documents import build_documents
from include.simulator.systems.dossiers import build_dossiers
from include.simulator.systems.procedures import build_procedures
from include.simulator.systems.programme import build_programme
