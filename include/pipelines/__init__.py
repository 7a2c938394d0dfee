"""The processes: each module reads like the process it runs, and leaves the work to the crafts below."""
