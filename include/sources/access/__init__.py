"""Access to a source: its connection, its load limits, and one error class per failure."""

from include.sources.access.connection import (
    READ_WHOLE,
    Connection,
    Kind,
    connect,
    connect_replica,
    has_connection,
    is_connected,
)
from include.sources.access.connection_settings import mysql_tls_mode, pymysql_tls, without_tls
from include.sources.access.errors import (
    ColumnsMissing,
    DropBroken,
    RowsHidden,
    SourceClosed,
    SourceDenied,
    SourceDrifted,
    SourceError,
    SourceLost,
    SourceMissing,
    SourceSecretMissing,
    SourceUnavailable,
    kind_of,
    source_error,
    unknown_error,
)
from include.sources.access.load_limits import (
    LOCK_SECONDS,
    LOCKS,
    ONE_STATE,
    LoadLimits,
    Throttle,
    check_hours,
    load_limits_of,
)
