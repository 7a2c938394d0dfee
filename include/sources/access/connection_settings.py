"""Settings of a connection beside user, host and database: each is honoured by every reader, or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy.engine import URL

from include.sources.access.errors import SourceSecretMissing

EXTRA = "__extra__"  # Airflow's parameter for all extras of a connection, once one of them is not a text

_MYSQL_TLS = frozenset({"ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_cipher", "ssl_check_hostname", "ssl_mode"})
_MYSQL = _MYSQL_TLS | {"unix_socket", "charset", "connect_timeout", "read_timeout", "write_timeout", "program_name"}
_VERIFIED = frozenset({"verify_ca", "verify_identity"})
_MYSQL_MODES = _VERIFIED | {"disabled", "preferred", "required"}


def settings_of(extra: object, variable: str) -> dict[str, str]:
    """The settings in a connection's `extra`: an object, or its JSON text. What is null is not set.

    Raises:
        SourceSecretMissing: a setting is no single value, or the text is no object of JSON.
    """
    try:
        given = json.loads(extra) if isinstance(extra, str) and extra.strip() else extra or {}
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise SourceSecretMissing(f'{variable}: its `extra` is no object of JSON: write it like {{"name": "value"}}')
    if nested := sorted(name for name, value in given.items() if isinstance(value, dict | list)):
        raise SourceSecretMissing(
            f"{variable}: the setting `{nested[0]}` in its `extra` holds several values, which a URI cannot carry: "
            "write each as a setting of its own (for MySQL and MariaDB ssl_ca, ssl_cert, ssl_key), or remove it"
        )
    written = {name: value for name, value in given.items() if value is not None}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in written.items()}


def check_settings(kind: str, given: Mapping[str, object], variable: str) -> None:
    """Refuse what the readers of a kind of source do not honour; another SQLAlchemy dialect judges its own.

    Raises:
        SourceSecretMissing: naming the setting, never its value.
    """
    honoured = _honoured(kind)
    if honoured is None:
        return
    for name in sorted(set(given) - honoured):
        listed = f"; honoured are {', '.join(sorted(honoured))}" if honoured and kind != "postgresql" else ""
        raise SourceSecretMissing(
            f"{variable}: the setting `{name}` is not honoured when a source of this kind ({kind}) is read, so it is "
            f"refused: remove it from the connection, or give its `extra` what is meant{listed}"
        )
    if kind == "mysql":
        _check_mysql(given, variable)


def mysql_tls_mode(url: URL) -> str:
    """How far a MySQL or MariaDB server must prove itself: `ssl_mode`, else what the other TLS settings imply."""
    given = url.query
    if mode := given.get("ssl_mode"):
        return str(mode).lower()
    if given.get("ssl_ca") or given.get("ssl_capath"):
        is_lax = str(given.get("ssl_check_hostname", "true")).lower() in {"false", "0", "no", "off", "f", "n"}
        return "verify_ca" if is_lax else "verify_identity"
    return "required" if set(given) & _MYSQL_TLS else "preferred"


def pymysql_tls(url: URL) -> dict[str, object]:
    """The arguments of PyMySQL for the TLS settings of a URL; to be used with `without_tls(url)`."""
    mode, given = mysql_tls_mode(url), url.query
    if mode == "disabled":
        return {"ssl_disabled": True}
    if mode == "preferred":
        return {}
    verified = "required" if mode in _VERIFIED else "none"
    tls: dict[str, object] = {"verify_mode": verified, "check_hostname": mode == "verify_identity"}
    files = ("ca", "capath", "cert", "key", "cipher")
    return {"ssl": tls | {name: given[f"ssl_{name}"] for name in files if f"ssl_{name}" in given}}


def without_tls(url: URL) -> URL:
    """A URL of MySQL or MariaDB without TLS settings."""
    return url.difference_update_query(_MYSQL_TLS)


def _honoured(kind: str) -> frozenset[str] | None:
    if kind == "postgresql":
        from psycopg.pq import Conninfo

        return frozenset(option.keyword.decode() for option in Conninfo.get_defaults())
    return {"mysql": _MYSQL, "sqlite": frozenset[str](), "files": frozenset({"path"})}.get(kind)


def _check_mysql(given: Mapping[str, object], variable: str) -> None:
    mode = str(given.get("ssl_mode", "")).lower()
    if "ssl_mode" in given and mode not in _MYSQL_MODES:
        raise SourceSecretMissing(f"{variable}: `ssl_mode` must be one of {', '.join(sorted(_MYSQL_MODES))}")
    has_authority = "ssl_ca" in given or "ssl_capath" in given
    if mode in _VERIFIED and not has_authority:
        raise SourceSecretMissing(
            f"{variable}: `ssl_mode` asks to verify the server, by no authority: add ssl_ca, its file"
        )
    if mode and mode not in _VERIFIED and has_authority:
        raise SourceSecretMissing(
            f"{variable}: its `ssl_mode` leaves ssl_ca without effect: write verify_identity or verify_ca"
        )
    if mode and "ssl_check_hostname" in given:
        raise SourceSecretMissing(
            f"{variable}: `ssl_mode` and `ssl_check_hostname` say the same: remove the latter (verify_ca asks no name)"
        )
