"""The state folder of a checkout: ports and secrets of its servers, and the settings that its commands find again."""

from include.embedded.site.settings import complete, keep, keep_connections, keep_sharing_url
from include.embedded.site.state_folder import REPOSITORY, Site, free_port, is_free, write_private
