"""Recipients: their identity at the S3 store, their tokens for Delta Sharing, the code lists their products need."""

from include.sharing.recipients.recipient_code_lists import code_lists
from include.sharing.recipients.store_identities import (
    OWN_PROCESSES,
    Credential,
    ReaderCredentialMissing,
    identities,
    reader_variable,
    render,
)
from include.sharing.recipients.tokens import Token, TokenAct, Tokens, new_token, profile
