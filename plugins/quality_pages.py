"""Quality pages in Airflow's UI, under its login: registries, runs, rejected rows, agreements, the ledger.

Airflow loads this file in every one of its processes; the app is imported in the API server only, at the first request.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/quality"
ADDRESS = f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}{PREFIX}"
"""The path of the pages on Airflow's server, for links in Airflow's UI."""
# Visible in every state of the side bar, light and dark: Airflow does not recolour images.
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' stroke-linecap='round' "
    "stroke-linejoin='round'%3E%3Cpath d='M12 2l8 3.4v6.4c0 5-3.4 8.4-8 10.2-4.6-1.8-8-5.2-8-10.2V5.4z' "
    "fill='%23a5121f'/%3E%3Cpath d='M8.2 12l2.7 2.7 5-5.2' fill='none' stroke='%23ffd84d' stroke-width='2.2'"
    "/%3E%3C/svg%3E"
)


class AtFirstRequest:
    """An ASGI app that is built at the first request."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._building = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            from starlette.concurrency import run_in_threadpool

            await run_in_threadpool(self._build)
        assert self._app is not None  # noqa: S101 - just built
        await self._app(scope, receive, send)

    def _build(self) -> None:
        with self._building:
            if self._app is None:
                from plugins.pages.app import pages_of_environment

                self._app = pages_of_environment()


class QualityPagesPlugin(AirflowPlugin):
    """Mounts the pages at /quality and shows them in the side bar."""

    name = "quality_pages"
    fastapi_apps: ClassVar[list[Any]] = [{"app": AtFirstRequest(), "url_prefix": PREFIX, "name": "Quality pages"}]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Chất lượng",
            "href": f"{ADDRESS}/",
            "destination": "nav",
            "nav_top_level": True,
            "url_route": "quality",
            "icon": _ICON,
        }
    ]
