"""The quality pages: access rights, views and templates. Their data comes from `include/`."""
