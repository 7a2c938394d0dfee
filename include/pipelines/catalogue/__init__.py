"""The catalogue: what there is, found by words; what a table looks like without its values; DCAT and ODCS of it."""

from include.pipelines.catalogue.code_lists import CodeList
from include.pipelines.catalogue.dcat import (
    MEDIA_TYPE,
    Addresses,
    KeptDocument,
    addresses_of,
    catalogue_document,
    last_good_runs,
    portal_url,
    table_document,
    write_catalogue,
)
from include.pipelines.catalogue.entries import list_labels, register_name, table_name
from include.pipelines.catalogue.live import Catalogue, LiveCatalogue
from include.pipelines.catalogue.odcs import product_contract
from include.pipelines.catalogue.search import KINDS, LONGEST_QUERY, Entry, Kind, SearchIndex
from include.pipelines.catalogue.shape import ColumnShape, LiveShapes, TableShape, rounded, rounded_percent
from include.pipelines.catalogue.tools import SharedAs, reading_code
