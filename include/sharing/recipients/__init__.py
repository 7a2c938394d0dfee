"""Recipients at the S3 store: one identity each, and the code lists their products need."""

from include.sharing.recipients.recipient_code_lists import code_lists
from include.sharing.recipients.store_identities import (
    Credential,
    ReaderCredentialMissing,
    identities,
    reader_variable,
    render,
)
