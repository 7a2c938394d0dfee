"""The quality pages: who may see what, the views, and their templates. The figures come from `include/`."""
