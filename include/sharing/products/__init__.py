"""Products: shared tables with exactly the columns, rows and protections of their agreements, or closed."""

from include.sharing.products.changes_ahead import Change, ProductChanges, coming_changes
from include.sharing.products.check import check_agreements, problems_of
from include.sharing.products.content import key as product_key
from include.sharing.products.content import schema as product_schema
from include.sharing.products.keys import MasterKey, PseudonymKeyMissing, RecipientKey
from include.sharing.products.protect import NEVER_BARE, expression, lend_key, misfit, result_type
from include.sharing.products.row_filter import FilterRefused, compared_columns, compile_filter
from include.sharing.products.share import Sharing, agreed_terms, close_bare, close_orphans, share_agreement
from include.sharing.products.state import HISTORY_DAYS, OPEN, ProductResult, opened
from include.sharing.products.terms import table_of
