"""`python -m include.cli` is `lienthong`."""

from include.cli import main

main()
