"""Commands about recipients and persons: agreements, Delta Sharing, tokens, the portal, what is asked and answered."""

# Importing a module of commands puts its commands into the application.
from include.cli.sharing import portal, serve, share, subject
