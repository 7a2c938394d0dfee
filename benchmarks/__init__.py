"""The same work done by us and by what users would pick instead: programs, `python -m benchmarks.<name>`."""
