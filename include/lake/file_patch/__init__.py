"""Column-level copy-on-write of Parquet files: only changed column chunks are encoded anew. See README.md here."""

from include.lake.file_patch.column_patch import IS_NEW, LARGEST_CHANGE, LEAVES, WAS, Original, patch
from include.lake.file_patch.file_join import join_files
from include.lake.file_patch.not_patchable import NotPatchable, patching
from include.lake.file_patch.patch_verification import read_back
