"""A MariaDB that logs changes by their rows, for the tests of change logs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pymysql

from include.embedded.servers.mariadb import mariadb_program


class BinlogServer:
    """A server with a data folder of its own, which can be stopped, copied and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.folder.mkdir(parents=True, exist_ok=True)
        user = "root" if os.geteuid() == 0 else os.environ.get("USER", "mysql")
        self.common = ["--no-defaults", f"--datadir={folder}/data", f"--user={user}"]
        install = ["mariadb-install-db", *self.common, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, check=True, capture_output=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def uri(self) -> str:
        return f"mysql://root@127.0.0.1:{self.port}/citizens"

    def start(self) -> None:
        init = self.folder / "init.sql"
        init.write_text(
            "CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY '';\n"
            "GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        options = [
            f"--port={self.port}", "--bind-address=127.0.0.1", "--socket=socket", f"--pid-file={self.folder}/pid",
            f"--init-file={init}", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0",
            "--skip-innodb-doublewrite", "--log-bin=binlog", "--server-id=1", "--binlog-format=ROW",
            "--binlog-row-metadata=FULL",
        ]  # fmt: skip
        command = [str(mariadb_program()), *self.common, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while True:
            try:
                return self.connect("mysql").close()
            except pymysql.err.OperationalError:
                assert time.monotonic() < until, "MariaDB does not answer"
                time.sleep(0.1)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None

    def connect(self, database: str = "citizens", **settings: Any) -> pymysql.Connection:
        settings = {"autocommit": True, "charset": "utf8mb4"} | settings
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", database=database, **settings)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Carry out statements; the rows of the last."""
        with self.connect() as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())
