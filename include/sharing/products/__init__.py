"""Products: shared tables with exactly the columns, rows and protections of their agreements, or closed."""

from include.sharing.products.check import check_agreements, problems_of
from include.sharing.products.keys import MasterKey, PseudonymKeyMissing
from include.sharing.products.share import Sharing, close_orphans, share_agreement
from include.sharing.products.state import OPEN, ProductResult, opened
