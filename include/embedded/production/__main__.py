"""`python -m include.embedded.production up|down`."""

import sys

from include.embedded.production.production_stack import main

sys.exit(main(sys.argv[1:]))
