"""The same work done by us and by what users would pick instead: `python -m benchmarks --help`."""
