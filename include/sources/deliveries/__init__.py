"""File deliveries: the manifest, a verified local copy, and the supported file formats."""

from __future__ import annotations

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
from include.sources.deliveries.local_copy import CHUNK, LocalCopy, copy_verified
from include.sources.deliveries.manifest import (
    NAME,
    Entry,
    check_file,
    check_listing,
    check_rows,
    is_named,
    read_manifest,
)

__all__ = [
    "CHUNK",
    "LINES_SHOWN",
    "NAME",
    "READ",
    "START",
    "SUFFIXES",
    "Delivery",
    "Entry",
    "Format",
    "LocalCopy",
    "check_file",
    "check_listing",
    "check_names",
    "check_rows",
    "clean_name",
    "copy_verified",
    "format_of",
    "header",
    "is_named",
    "read_manifest",
    "shown",
    "stated_format",
    "why_not_content",
    "why_not_read",
]
