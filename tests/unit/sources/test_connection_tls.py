"""What a connection demands of TLS is demanded by every reader: no password goes to who is not the server."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import duckdb
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from include.contracts.model import Server
from include.lake.storage import literal, load_extension
from include.sources.access import Connection, LoadLimits, connect
from include.sources.change_log.mariadb_log import open_mariadb_log
from include.sources.databases import mysql, postgres, reflection
from tests.extracts import contract_of

SSL_REQUEST, TLS_OF_MYSQL = 80877103, 0x0800


def certificate(folder: Path, name: str) -> Path:
    """A file with a key and the certificate of that name, which vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(named, named, key.public_key(), 1, now, now + dt.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(secret + made.sign(key, hashes.SHA256()).public_bytes(pem))
    return file


def postgres_password(client: socket.socket, tls: ssl.SSLContext | None) -> bytes:
    size, code = struct.unpack("!ii", client.recv(8))
    if code == SSL_REQUEST:
        client.sendall(b"S" if tls else b"N")
        client = tls.wrap_socket(client, server_side=True) if tls else client
        size, _ = struct.unpack("!ii", client.recv(8))
    client.recv(size - 8)
    client.sendall(b"R" + struct.pack("!ii", 8, 3))  # the password in clear text, please
    return client.recv(200)


def mysql_password(client: socket.socket, tls: ssl.SSLContext | None) -> bytes:
    can = 0x000FA20F | 0x00080000 | (TLS_OF_MYSQL if tls else 0)
    greeting = (
        b"\x0a8.0.30\0" + struct.pack("<I", 1) + b"a" * 8 + b"\0" + struct.pack("<HBHH", can & 0xFFFF, 45, 2, can >> 16)
    )
    greeting += b"\x15" + b"\0" * 10 + b"b" * 12 + b"\0" + b"mysql_native_password\0"
    client.sendall(struct.pack("<I", len(greeting))[:3] + b"\0" + greeting)
    heard = client.recv(36)  # all of a request for TLS, which holds no user
    if heard.startswith(b"\x20\0\0") and tls:
        heard = tls.wrap_socket(client, server_side=True).recv(4096)
    return heard


@contextmanager
def impostor(
    answer: Callable[[socket.socket, ssl.SSLContext | None], bytes], pem: Path | None
) -> Iterator[tuple[int, list[bytes]]]:
    """A server that offers TLS by that certificate, or none, and notes what follows: user or password."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if pem else None
    if tls and pem:
        tls.load_cert_chain(pem)
    heard: list[bytes] = []

    def serve(server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with suppress(OSError, struct.error), closing(client):
                client.settimeout(5)
                if said := answer(client, tls):
                    heard.append(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def by_postgres_scanner(connection: Connection) -> None:
    with duckdb.connect() as duck:
        postgres._begin(connection, duck, "1", 1, LoadLimits())


def by_mysql_scanner(connection: Connection) -> None:
    with duckdb.connect() as duck:
        load_extension(duck, "mysql")
        duck.execute(reflection.duckdb_secret(connection, "mysql"))
        duck.execute(f"ATTACH {literal(mysql._conninfo(connection))} AS s (TYPE mysql, SECRET source, READ_ONLY)")


def by_sqlalchemy(connection: Connection) -> None:
    reflection.make_engine(connection, contract_of("t")).connect()


def by_log(connection: Connection) -> None:
    contract = contract_of("t")
    with open_mariadb_log(connection, contract, contract.tables[0], since=None, at=""):
        pass


READERS = {
    "postgres": (postgres_password, (by_sqlalchemy, by_postgres_scanner)),
    "mysql": (mysql_password, (by_sqlalchemy, by_mysql_scanner, by_log)),
}
HOST = "127.0.0.1"
NOBODY, ITSELF, OTHER = "no TLS", f"{HOST}.pem", "127.0.0.9.pem"
DEMANDS = [
    # what is demanded, what the server shows, whether it is told more
    ("postgres", {"sslmode": "require"}, NOBODY, False),
    ("postgres", {"sslmode": "verify-full", "sslrootcert": ITSELF, "connect_timeout": 9}, NOBODY, False),
    ("postgres", {"sslmode": "verify-full", "sslrootcert": ITSELF}, OTHER, False),
    ("postgres", {"sslmode": "verify-full", "sslrootcert": ITSELF}, ITSELF, True),
    ("postgres", {"require_auth": "scram-sha-256"}, NOBODY, False),
    ("postgres", {"sslmode": "require", "ssl_min_protocol_version": "TLSv1.3"}, ITSELF, True),
    ("mysql", {"ssl_mode": "REQUIRED"}, NOBODY, False),
    ("mysql", {"ssl_mode": "required"}, OTHER, True),
    ("mysql", {"ssl_ca": ITSELF}, NOBODY, False),
    ("mysql", {"ssl_ca": ITSELF}, OTHER, False),
    ("mysql", {"ssl_ca": ITSELF}, ITSELF, True),
    ("mysql", {"ssl_ca": ITSELF, "ssl_mode": "verify_identity"}, OTHER, False),
    ("mysql", {"ssl_ca": OTHER, "ssl_mode": "verify_identity"}, OTHER, False),
    ("mysql", {"ssl_ca": OTHER, "ssl_mode": "verify_ca"}, OTHER, True),
    ("mysql", {"ssl_ca": OTHER, "ssl_check_hostname": False}, OTHER, True),
    ("mysql", {"ssl_mode": "disabled"}, NOBODY, True),
]


LOCAL = [{"ssl_ca": OTHER, "ssl_mode": "verify_identity"}]


@pytest.mark.parametrize(("kind", "demands", "shown", "is_told"), DEMANDS)
def test_who_does_not_prove_what_is_demanded_is_told_nothing(tmp_path, kind, demands, shown, is_told):
    pems = {f"{name}.pem": str(certificate(tmp_path, name)) for name in (HOST, "127.0.0.9")}
    answer, readers = READERS[kind]
    extra = {name: pems.get(str(value), value) for name, value in demands.items()}
    contract = contract_of("t", server=Server("x", "custom"))
    for read in readers:
        with impostor(answer, tmp_path / shown if shown != NOBODY else None) as (port, heard):
            parts = {"conn_type": kind, "host": HOST, "port": port, "login": "reader", "password": "secret"}
            text = json.dumps({**parts, "schema": "d", "extra": extra})
            connection = connect(contract, {"AIRFLOW_CONN_X": text})
            with pytest.raises(Exception):  # noqa: B017, PT011 - it is no database
                read(connection)
        if read is by_mysql_scanner and demands in LOCAL:  # its library asks no name of an address of this machine
            assert 'ssl_mode="verify_identity"' in mysql._conninfo(connection)
            continue
        assert bool(heard) is is_told, (read.__name__, heard)
