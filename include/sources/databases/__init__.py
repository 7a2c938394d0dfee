"""Databases as sources: reflection, SQL predicates and checksums, and a reader for each product."""

from include.sources.databases.checksum import ChecksumQuery, checksum_query
from include.sources.databases.cursor import cursor_of, greatest, is_ahead
from include.sources.databases.mysql import open_mysql
from include.sources.databases.postgres import SETTINGS as POSTGRES_SETTINGS
from include.sources.databases.postgres import open_postgres
from include.sources.databases.predicates import conditions, next_condition
from include.sources.databases.reflection import CONNECT_SECONDS, explain, meanings
from include.sources.databases.sqlalchemy_stream import ROWS_PER_BATCH, VIEW, open_any
from include.sources.databases.sqlite import open_sqlite
