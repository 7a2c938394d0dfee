"""`lienthong verify`: verification of the ledger's chain, and of all files that readers open against the ledger."""

from include.audit.verification.delta_log import CommitUnreadable, LogCommit, read_commit
from include.audit.verification.delta_log import versions as log_versions
from include.audit.verification.file_digests import INDEX_OF_PAGES, digests_of
from include.audit.verification.findings import Discrepancy, Verification
from include.audit.verification.ledger_summary import LedgerState, ledger_state, note_verification
from include.audit.verification.report_file import (
    GOVERNMENT,
    REPORTS,
    ReportChecked,
    check_report,
    figures_digest,
    with_figures,
)
from include.audit.verification.table_commits import commit_records
from include.audit.verification.verify_lake import verify, verify_copy
