"""Commands about recipients and persons: Delta Sharing, tokens, the portal, and what is asked and answered there."""

# Importing a module of commands puts its commands into the application.
from include.cli.sharing import portal, serve, subject
