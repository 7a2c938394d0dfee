"""Servers as processes of this machine: databases, Airflow, Delta Sharing, the portal; started, found and stopped."""

from include.embedded.servers.airflow import COMPONENTS, USER, await_airflow, launch_airflow, stewards_of, url
from include.embedded.servers.airflow_api import ENDED, AirflowApi, AirflowRefusedError
from include.embedded.servers.mariadb import MARIADB, mariadb_program, mariadb_uri, start_mariadb
from include.embedded.servers.postgres import NAME, is_up, start_postgres, stop_postgres, uri
from include.embedded.servers.processes import (
    ServerFailedError,
    ServerProcess,
    insist,
    is_running,
    listens,
    start,
    stop,
    wait_until,
)
from include.embedded.servers.sharing import (
    PORTAL,
    SHARING,
    answers,
    portal_url,
    sharing_url,
    start_portal,
    start_sharing,
)
from include.embedded.servers.terminal import console, say, say_error, show_command
