"""The trail: one chained record per run, commit, approval, agreement change and export, and how to check it."""
