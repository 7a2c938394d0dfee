"""Environment of docker-compose.yaml's services for processes of this machine: addresses and folders are replaced."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.embedded.production import compose_file
from include.embedded.site import Site

COMPOSE_FILE = "docker-compose.yaml"
ADMIN = "admin"
# Folders in the image and on this machine.
IMAGE_CODE, IMAGE_STATE = "/opt/lienthong", "/var/lib/lienthong"
_ADDRESS = re.compile(r"(?<=[@/])(postgres|valkey|seaweedfs|airflow-apiserver):\d+")


@dataclass(frozen=True, slots=True)
class Production:
    """The compose file's services as this machine runs them; `ports` are by service."""

    site: Site
    ports: Mapping[str, int]
    services: Mapping[str, Any]

    @classmethod
    def at(cls, site: Site, ports: Mapping[str, int]) -> Production:
        """The stack of a site's compose file, every secret generated and kept with the site."""
        return cls(site, ports, compose_file.load(site.root / COMPOSE_FILE, _values(site, ports))["services"])

    @property
    def url(self) -> str:
        """URL of the pages and the API."""
        return f"http://127.0.0.1:{self.ports['airflow-apiserver']}"

    def here(self, text: str) -> str:
        """A text of the compose file, with the addresses and folders of this machine."""
        text = _ADDRESS.sub(lambda found: f"127.0.0.1:{self.ports[found[1]]}", text)
        return text.replace(IMAGE_CODE, str(self.site.root)).replace(IMAGE_STATE, str(self.site.var))

    def environment(self, service: str, files: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, str]:
        """The whole environment of a service's process; `files` holds the variables of its `env_file`."""
        stated = self.stated_environment(service)
        if "AIRFLOW__API__HOST" in stated:
            stated |= {"AIRFLOW__API__HOST": "127.0.0.1", "AIRFLOW__API__PORT": str(self.ports["airflow-apiserver"])}
        nothing_between = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        named = [(files or {}).get(file, {}) for file in self.services[service].get("env_file", [])]
        filed = {name: value for content in named for name, value in content.items()}
        return {**filed, **_inherited(), **stated, **nothing_between}

    def stated_environment(self, service: str) -> dict[str, str]:
        """A service's environment as stated in the compose file."""
        return {name: self.here(value) for name, value in self.services[service]["environment"].items()}

    def command(self, service: str) -> list[str]:
        """A service's command for this machine; the image's entrypoint makes `scheduler` an `airflow scheduler`."""
        first, *rest = (self.here(part) for part in self.services[service]["command"])
        if first == "python":
            return [sys.executable, *rest]
        return [first, *rest] if first == "bash" else [sys.executable, "-m", "airflow", first, *rest]

    def replicas(self, service: str) -> int:
        """Number of processes of a service."""
        return int(self.services[service].get("deploy", {}).get("replicas", 1))


def _values(site: Site, ports: Mapping[str, int]) -> dict[str, str]:
    """The variables of `.env` in production."""
    return {
        "LIENTHONG_URL": f"http://127.0.0.1:{ports['airflow-apiserver']}",
        "LIENTHONG_ADMIN": ADMIN,
        "LIENTHONG_ADMIN_PASSWORD": site.secret("airflow_password"),
        "METADATA_PASSWORD": site.secret("metadata_password"),
        "BROKER_PASSWORD": site.secret("broker_password"),
        "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(_digest(site, "airflow_fernet_key")).decode(),
        "AIRFLOW_SESSION_KEY": _digest(site, "airflow_session_key").hex(),
        "AIRFLOW_JWT_SECRET": _digest(site, "airflow_jwt_secret").hex(),
        "LAKE_ACCESS_KEY": "lienthong",
        "LAKE_SECRET_KEY": site.secret("lake_secret_key"),
        "LIENTHONG_PSEUDONYM_KEY": _digest(site, "pseudonym_key").hex(),
        "TRIAL_PASSWORD": site.secret("postgres_password"),
        "LIENTHONG_SHARING_ACCESS_KEY": "lienthong-sharing",
        "LIENTHONG_SHARING_SECRET_KEY": site.secret("sharing_secret_key"),
        "LIENTHONG_SHARING_URL": f"http://127.0.0.1:{ports['sharing']}",
        "LIENTHONG_PORTAL_ACCESS_KEY": "lienthong-portal",
        "LIENTHONG_PORTAL_SECRET_KEY": site.secret("portal_secret_key"),
        "LIENTHONG_PORTAL_URL": f"http://127.0.0.1:{ports['portal']}",
        "LIENTHONG_STORE_URL": f"http://127.0.0.1:{ports['seaweedfs']}",
        "DROPS_DIR": str(site.var / "simulator" / "drops"),
        **{name: value for name, value in os.environ.items() if name.startswith("OTEL_EXPORTER_OTLP_")},
    }


def _digest(site: Site, name: str) -> bytes:
    return hashlib.sha256(site.secret(name).encode()).digest()


def _inherited() -> dict[str, str]:
    """The caller's environment without variables of Airflow, lake and store, which only the compose file sets."""
    prefixes = ("AIRFLOW_", "AWS_", "LAKE_", "LIENTHONG_", "SCHEMAS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    kept |= {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW_CONN_")}
    return kept | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])}
