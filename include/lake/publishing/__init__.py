"""Publishing of a registry's table in at most one commit per run, with warning counts over the whole table."""

from include.lake.publishing.code_lists import digest_of, list_files, publish_reference
from include.lake.publishing.other_servers import elsewhere_uri, ensure_restorable, keys_elsewhere
from include.lake.publishing.publication import publish
from include.lake.publishing.published_context import Conformed, published_context_of, published_context_uri
from include.lake.publishing.rule_counts import published_counts
