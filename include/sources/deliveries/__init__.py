"""File deliveries: the manifest, a verified local copy, and the supported file formats."""

from include.sources.deliveries.delivery import LINES_SHOWN, Delivery, check_names, clean_name, header, shown
from include.sources.deliveries.file_formats import (
    READ,
    START,
    SUFFIXES,
    Format,
    format_of,
    stated_format,
    why_not_content,
    why_not_read,
)
from include.sources.deliveries.file_names import folded, is_named, looks_like
from include.sources.deliveries.local_copy import CHUNK, LocalCopy, copy_verified
from include.sources.deliveries.manifest import (
    NAME,
    ManifestEntry,
    check_each_is_read,
    check_file,
    check_listing,
    check_rows,
    read_manifest,
)
