"""Do the registers fit together: what the simulator planted as orphans is counted, and rejects nobody."""

from __future__ import annotations

import pytest

from include.lake.run_log import log_tables
from tests.integration.conftest import SyncedCountry

pytestmark = pytest.mark.slow


def test_every_relationship_between_published_tables_is_counted(country: SyncedCountry) -> None:
    checks = [
        row
        for row in log_tables.read(country.context.lake, "checks").to_pylist()
        if row["metric"] == "relationship" and row["run_id"] == country.runs["population"]["run_id"]
    ]
    found = {row["rule_id"]: (row["rows"], row["violations"]) for row in checks}
    assert any(rule_id.startswith("population.household_member.personal_id") for rule_id in found), found
    for rule_id, (rows, orphans) in found.items():
        assert 0 <= orphans <= rows, rule_id
    assert sum(orphans for _, orphans in found.values()) > 0, "orphans were planted"
    assert all(row["severity"] == "warning" for row in checks)
