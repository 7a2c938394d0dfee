"""The same work done by us and by what users would pick instead. Each module is a program: `python -m benchmarks.<name>`."""
