"""`python -m include.cli` is `lienthong`."""

from include.cli.application import main

main()
