"""FastAPI app of the pages, mounted in Airflow's."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from include.pipelines import PipelineContext
from include.pipelines.reporting import QualityPages
from plugins.pages import failures, indicator_views, person_views, report_views
from plugins.pages.csrf import from_our_own_pages, with_our_own_token
from plugins.pages.views import router


def pages_app(pages: QualityPages) -> FastAPI:
    """The app for one lake, without OpenAPI and documentation pages."""
    app = FastAPI(
        title="Liên Thông",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(from_our_own_pages), Depends(with_our_own_token)],
    )
    app.state.pages = pages
    app.include_router(router)
    app.include_router(person_views.router)
    app.include_router(report_views.router)
    app.include_router(indicator_views.router)
    failures.register(app)
    return app


def pages_of_environment() -> FastAPI:
    """The app for the lake in the environment."""
    return pages_app(QualityPages(PipelineContext.from_environment()))
