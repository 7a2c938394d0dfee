"""Settings of the embedded stack, stored so that commands work in another shell too."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from include.embedded.site.state_folder import REPOSITORY, Site, write_private

_FILE = "settings.json"
_SHARING_URL = "LIENTHONG_SHARING_URL"
_NAMES = (
    "LAKE_URI", "SCHEMAS_DIR", "LIENTHONG_TMP", "LIENTHONG_PATCH_FILES", "LIENTHONG_PSEUDONYM_KEY", _SHARING_URL,
)  # fmt: skip
_CONNECTION = "AIRFLOW_CONN_"


def keep(site: Site, environment: Mapping[str, str]) -> None:
    """Store the part of the servers' environment that commands need, readable by its owner only.

    The address of the Delta Sharing server stays stored: who starts Airflow does not know it.
    """
    kept = {name: value for name, value in environment.items() if name in _NAMES or name.startswith(_CONNECTION)}
    before = _stored(site)
    kept |= {name: before[name] for name in (_SHARING_URL,) if name in before and name not in kept}
    write_private(site.folder("run") / _FILE, json.dumps(kept, indent=1))


def _stored(site: Site) -> dict[str, str]:
    path = site.folder("run") / _FILE
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


def keep_connections(site: Site, connections: Mapping[str, str]) -> None:
    """Store other AIRFLOW_CONN_* of the source systems instead of those that are stored, if any are."""
    if kept := _stored(site):
        others = {name: value for name, value in kept.items() if not name.startswith(_CONNECTION)}
        keep(site, {**others, **connections})


def keep_sharing_url(site: Site, url: str) -> dict[str, str]:
    """Store the address of the Delta Sharing server, for profile files. Returns all that is stored."""
    kept = {**_stored(site), _SHARING_URL: url}
    keep(site, kept)
    return kept


def complete(environment: MutableMapping[str, str], root: Path = REPOSITORY) -> None:
    """Add the settings of this checkout's stack that are missing in an environment.

    An environment with another lake gets none: the simulated sources must not be published there, nor its pseudonyms
    be made with this key.
    """
    path = Site.at(root).var / "run" / _FILE
    if not path.exists():
        return
    kept: dict[str, str] = json.loads(path.read_text())
    named = environment.get("LAKE_URI", "").strip()
    if named and _place(named) != _place(kept["LAKE_URI"]):
        return
    for name, value in kept.items():
        if not environment.get(name, "").strip():
            environment[name] = value


def _place(uri: str) -> str:
    """Normalised URI of a lake."""
    path = uri.removeprefix("file://")
    return uri.rstrip("/") if "://" in path else str(Path(path).absolute())
