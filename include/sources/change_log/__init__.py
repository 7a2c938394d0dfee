"""Change logs of databases: which rows of a table changed since the position that its last commit holds."""

from include.sources.change_log.change_position import MEGABYTE, ChangeLogLost, ChangePosition
from include.sources.change_log.opening import ChangeLog, open_change_log
from include.sources.change_log.refused import ChangeLogRefused
from include.sources.change_log.touched_keys import TouchedKeys
