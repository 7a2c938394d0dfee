"""Carrying out agreements: shared tables, release notes to recipients, and their rights at the S3 store."""

from include.pipelines.sharing.products import close_step, share_step
from include.pipelines.sharing.release_notes import ReleaseNote, notes_for, write_release_notes
