"""What the owners of the registries should look at: duplicates inside a registry, and id numbers that persons share.

Nothing is mended here and nothing merged in silence: two records of one register may have one `person_id`, and the
finding tells the ministry that answers for the register, with the evidence: which records, by which pass, how strongly.
"""

from __future__ import annotations

from collections.abc import Mapping

from include.contracts.model import Contract, Table
from include.lake.people import FINDINGS
from include.lake.storage import Lake, lake_errors, literal, scan

CONTRADICTIONS = ("other_birth", "other_sex")
_OWN_IDS = ("personal_id", "tax_code", "insurance_number")


def persons_registers(contracts: Mapping[str, Contract]) -> list[Table]:
    """Tables with one row per person: their primary key is one id number that a person has once."""
    return [
        table
        for contract in contracts.values()
        for table in contract.tables
        if len(table.primary_key) == 1 and table.column(table.primary_key[0]).link in _OWN_IDS
    ]


def find(
    lake: Lake, contracts: Mapping[str, Contract], *, records_uri: str, index_uri: str, edges_uri: str, uri: str
) -> dict[str, int]:
    """Write the findings of a run to the Parquet file `uri`; how many of each kind.

    `duplicate`: two rows of a register of persons that are one person (they have one `person_id`), or seem to be
    although their keys say two (then `person_id` is null). `shared_id`: an id number that two persons share.
    `other_birth`, `other_sex`: a person whose record in a population-like table and another one contradict each other.
    What concerns two registries is told to the owner of either; what concerns two tables of one registry, once.
    """
    registers = ", ".join(f"({literal(t.registry)}, {literal(t.name)})" for t in persons_registers(contracts))
    owners = ", ".join(f"({literal(c.registry)}, {literal(c.owner or '')})" for c in contracts.values())
    with lake.connect() as connection, lake_errors("finding what the owners should look at"):
        connection.execute(f"CREATE TEMP VIEW edge AS FROM {scan(edges_uri)}")
        connection.execute(f"CREATE TEMP VIEW member AS FROM {scan(index_uri)}")
        connection.execute(f"CREATE TEMP VIEW record AS FROM {scan(records_uri)}")
        connection.execute('CREATE TEMP TABLE register (registry VARCHAR, "table" VARCHAR)')
        connection.execute("CREATE TEMP TABLE owner (registry VARCHAR, owner VARCHAR)")
        if registers:
            connection.execute(f"INSERT INTO register VALUES {registers}")
        if owners:
            connection.execute(f"INSERT INTO owner VALUES {owners}")
        connection.execute(f"COPY ({_FINDINGS}) TO {literal(uri)} (FORMAT parquet, COMPRESSION zstd)")
        counted = connection.execute(f"SELECT kind, count(*) FROM {scan(uri)} GROUP BY kind").fetchall()
    return dict.fromkeys(("duplicate", "shared_id", *CONTRADICTIONS), 0) | {kind: int(count) for kind, count in counted}


# Of three and more rows of one person each is set beside the first; the link between the two is the evidence, if there
# is one, else the two are joined through other records.
_FINDINGS = f"""
    WITH placed AS (
        SELECT person_id, registry, "table", record_id,
               min(record_id) OVER (PARTITION BY person_id, registry, "table") AS first
        FROM member SEMI JOIN register USING (registry, "table")
    ), duplicate AS (
        SELECT 'duplicate' AS kind, p.registry, p."table", p.first AS left_id, p.record_id AS right_id,
               coalesce(e.pass, 'through other records') AS pass, p.person_id, e.weight, e.probability
        FROM placed p LEFT JOIN edge e ON e.left_id = p.first AND e.right_id = p.record_id AND e.decision = 'link'
        WHERE p.record_id <> p.first
    ), shared AS (
        SELECT CASE WHEN is_one_register THEN 'duplicate' ELSE 'shared_id' END AS kind, side.registry, side."table",
               left_id, right_id, pass, NULL::VARCHAR AS person_id, weight, probability
        FROM (
            SELECT e.*, (l.registry, l."table") = (r.registry, r."table") AS is_one_register,
                   unnest([{{'registry': l.registry, 'table': l."table"}},
                                {{'registry': r.registry, 'table': r."table"}}]) AS side
            FROM edge e JOIN member l ON l.record_id = left_id JOIN member r ON r.record_id = right_id
            WHERE e.decision = 'finding' AND l.person_id <> r.person_id
        )
        QUALIFY row_number() OVER (PARTITION BY left_id, right_id, side.registry ORDER BY side."table") = 1
    ), spoken AS (
        SELECT m.person_id, m.registry, m."table", m.record_id, birth_year, birth_key, sex, is_population,
               birth_precision = 'day' AND right(birth_key, 4) <> '0101' AS is_day
        FROM member m JOIN record USING (record_id)
    ), against AS (
        SELECT unnest([CASE WHEN a.birth_year <> b.birth_year OR (a.is_day AND b.is_day AND a.birth_key <> b.birth_key)
                            THEN 'other_birth' END, CASE WHEN a.sex <> b.sex THEN 'other_sex' END]) AS kind,
               least(a.record_id, b.record_id) AS left_id, greatest(a.record_id, b.record_id) AS right_id, person_id,
               [{{'registry': a.registry, 'table': a."table"}}, {{'registry': b.registry, 'table': b."table"}}] AS sides
        FROM spoken a JOIN spoken b USING (person_id) WHERE a.is_population AND NOT b.is_population
    ), contradiction AS (
        SELECT kind, side.registry, side."table", left_id, right_id, 'through the person' AS pass, person_id,
               NULL::DOUBLE AS weight, NULL::DOUBLE AS probability
        FROM (SELECT * EXCLUDE sides, unnest(sides) AS side FROM against WHERE kind IS NOT NULL)
        QUALIFY row_number() OVER (PARTITION BY kind, left_id, right_id, side.registry ORDER BY side."table") = 1
    ), found AS (FROM duplicate UNION ALL BY NAME FROM shared UNION ALL BY NAME FROM contradiction)
    SELECT {
    ", ".join(
        "md5(concat_ws('/', kind, registry, left_id, right_id)) AS finding_id" if name == "finding_id" else f'"{name}"'
        for name in FINDINGS.names
    )
}
    FROM found LEFT JOIN owner USING (registry)
"""
