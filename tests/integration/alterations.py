"""What somebody who can write a lake might do to it, by the folder that is touched and what `verify` must name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable


def files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.is_file())


def live_files(lake: Path, table: str) -> list[Path]:
    return sorted(
        lake / table / path for path in pa.table(DeltaTable(lake / table).get_add_actions())["path"].to_pylist()
    )


def update(table: str, where: str, **values: str) -> Callable[[Path], None]:
    return lambda lake: DeltaTable(lake / table).update(updates=values, predicate=where) and None


def forge_checkpoint(table: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def forge(lake: Path) -> None:
        (path,) = files(lake / table, "_delta_log/*.checkpoint.parquet")[-1:]
        pq.write_table(change(pq.read_table(path)), path)

    return forge


def without_files(actions: pa.Table) -> pa.Table:
    return actions.filter(pa.compute.is_null(actions["add"]))


def rewrite(table: str, column: str, value: int) -> Callable[[Path], None]:
    """A figure changed in place, in the file that holds it."""

    def change(lake: Path) -> None:
        for path in live_files(lake, table):
            rows = pq.read_table(path)
            figures = rows[column].to_pylist()
            at = next((n for n, figure in enumerate(figures) if figure), None)
            if at is not None:
                figures[at] = value
                place = rows.schema.get_field_index(column)
                pq.write_table(rows.set_column(place, rows.schema.field(place), pa.array(figures, pa.int64())), path)
                return
        raise AssertionError("no such figure")

    return change


def vacuum_by_hand(table: str) -> Callable[[Path], None]:
    """A file that only a former version needs goes before its time."""

    def remove(lake: Path) -> None:
        live = set(live_files(lake, table))
        next(
            path for path in files(lake / table, "**/*.parquet") if path not in live and "_delta_log" not in path.parts
        ).unlink()

    return remove


def delete(pattern: str) -> Callable[[Path], None]:
    return lambda lake: files(lake, pattern)[-1].unlink()


def plant(path: str, text: str = "{}") -> Callable[[Path], None]:
    return lambda lake: (lake / path).write_text(text) and None


def take_out(table: str, where: str) -> Callable[[Path], None]:
    return lambda lake: DeltaTable(lake / table).delete(where) and None


def take_away(registry: str) -> Callable[[Path], None]:
    return lambda lake: shutil.rmtree(next((lake / registry).glob("*/")))


ALTERATIONS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    # which folder is touched, how, and what must be named
    "violations set to 0 through Delta": (
        "audit/checks",
        update("audit/checks", "violations > 0", violations="0"),
        "run 2026",
    ),
    "a figure changed in place": ("audit/checks", rewrite("audit/checks", "violations", 0), "was altered"),
    "figures of the table changed in place": (
        "audit/table_checks",
        rewrite("audit/table_checks", "violations", 0),
        "was altered",
    ),
    "a run that rejected nothing": ("audit/runs", update("audit/runs", "rejected > 0", rejected="0"), "run 2026"),
    "a run that never was": ("audit/runs", take_out("audit/runs", "registry = 'land'"), "gone from audit/runs"),
    "linking that nobody saw": ("audit/link_runs", update("audit/link_runs", "true", persons="1"), "audit/link_runs"),
    "a table emptied by its checkpoint": (
        "registry/population/citizen",
        forge_checkpoint("registry/population/citizen", without_files),
        "checkpoint",
    ),
    "a checkpoint that hides evidence": ("audit/checks", forge_checkpoint("audit/checks", without_files), "checkpoint"),
    "a checkpoint laid in by others": (
        "registry/land/parcel",
        lambda lake: DeltaTable(lake / "registry/land/parcel").create_checkpoint(),
        "in no entry of the ledger",
    ),
    "a pointer to an older checkpoint": (
        "registry/population/citizen",
        plant("registry/population/citizen/_delta_log/_last_checkpoint", '{"version":0,"size":1}'),
        "_last_checkpoint",
    ),
    "a pointer removed": (
        "registry/population/citizen",
        delete("registry/population/citizen/_delta_log/_last_checkpoint"),
        "was removed from the log",
    ),
    "a checkpoint removed": (
        "shared/tax/ownership",
        delete("shared/tax/ownership/_delta_log/*.checkpoint.parquet"),
        "was removed from the log",
    ),
    "commits joined into one file by others": (
        "registry/land/parcel",
        plant("registry/land/parcel/_delta_log/00000000000000000000.00000000000000000001.compacted.json"),
        "compacted",
    ),
    "a checksum file by others": (
        "registry/land/parcel",
        plant("registry/land/parcel/_delta_log/00000000000000000000.crc"),
        ".crc",
    ),
    "rejected rows gone": (
        "rejected/population/citizen",
        take_out("rejected/population/citizen", "_row % 2 = 0"),
        "rejected/population",
    ),
    "a code list with another name": (
        "reference/provinces",
        update("reference/provinces", "true", valid_until="NULL"),
        "reference/provinces",
    ),
    "a person with another id": ("people/index", update("people/index", "true", person_id="'X'"), "people/index"),
    "a table set back": (
        "registry/payments/payment",
        lambda lake: DeltaTable(lake / "registry/payments/payment").restore(0) and None,
        "registry/payments/payment",
    ),
    "a shared table with more than was agreed": (
        "shared/tax/ownership",
        update("shared/tax/ownership", "true", share="1"),
        "shared/tax/ownership",
    ),
    "a former version's file gone": (
        "registry/payments/payment",
        vacuum_by_hand("registry/payments/payment"),
        "is gone",
    ),
    "an extract gone": ("landing/land/parcel", delete("landing/land/parcel/**/extract.parquet"), "is gone"),
    "a report laid in by others": (
        "audit/reports",
        plant("audit/reports/latest/report.fr.html"),
        "others laid it there",
    ),
    "a page laid in by others": ("audit/data_docs", plant("audit/data_docs/land/other.html"), "others laid it there"),
    "a report removed": ("audit/reports", delete("audit/reports/latest/*.csv"), "is gone"),
    "a table removed": ("registry/finance", take_away("registry/finance"), "removed or replaced"),
    "rejected rows removed altogether": ("rejected/land", take_away("rejected/land"), "removed or replaced"),
}
