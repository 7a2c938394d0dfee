"""`python -m plugins.processes.dag_processor`: Airflow's DAG processor, which forks a process for each look at a file.

Each of them has what the DAG files import, and the contracts as they were when this process started. Code changed
under `include/` or `plugins/` is seen after a restart; contracts and DAG files at once.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from airflow.__main__ import main

    import plugins.processes.dag_modules  # noqa: F401  # for the children

    sys.argv = ["airflow", "dag-processor", *sys.argv[1:]]
    main()
