"""Pages of requests: what a recipient asks for or disputes, what a provider answers, and how all providers do."""

from include.portal.requests.routes import ROUTES
