"""Checks of a contract: servers, names, types, keys, formats, patterns, languages, the ODCS schema."""

from include.contracts.checks.change_logs import check_change_logs
from include.contracts.checks.columns import check_column, why_no_value
from include.contracts.checks.date_formats import FormatError, read_format
from include.contracts.checks.keys import (
    LATE_ROWS_REMEDY,
    check_cursor,
    check_key,
    check_rows_from_list,
    late_rows_unseen,
)
from include.contracts.checks.languages import check_languages
from include.contracts.checks.names import nearest, same_but_for_case, why_no_column_name, why_no_table_name
from include.contracts.checks.odcs import misplaced_words, standard_problems
from include.contracts.checks.patterns import why_not_compiled
from include.contracts.checks.relationships import check_relationships
from include.contracts.checks.servers import check_servers, why_no_part_name
from include.contracts.checks.time_zones import why_no_zone
