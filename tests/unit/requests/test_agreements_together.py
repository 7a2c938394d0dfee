"""Agreements that do not go together, or are not in force yet or any more, and what a run of sharing makes of them."""

from __future__ import annotations

import pytest

from include.lake.storage import LakeTableMissing
from include.pipelines.requests import Choice, RequestRefused, ask_for, grant, request_of
from include.pipelines.sharing import share_step
from tests.small_population import AGREEMENT, STEWARD, At, write_agreement

from .conftest import KEY, an_ask

BY_STATUS = """\
products:
  - name: by_status
    table: population.citizen
    groupBy: [{name: status_code, protection: none}]
"""


@pytest.fixture
def counts(context: At) -> At:
    """A context where Cục Thống kê gets counts, by the agreement `counts` alone."""
    (context.schemas / "agreements" / "census.yaml").unlink()
    text = AGREEMENT[: AGREEMENT.index("products:")] + BY_STATUS
    (context.schemas / "agreements" / "counts.yaml").write_text(text, encoding="utf-8")
    environ = {"LIENTHONG_PSEUDONYM_KEY": KEY.hex()}
    return At(context.lake, context.schemas, environ, context.clock)


def test_rows_beside_counts_are_not_granted(counts: At) -> None:
    asked = ask_for(counts, "nso", "population.citizen", an_ask(columns=("status_code",), rows=""))
    with pytest.raises(RequestRefused, match="what is suppressed here could be found"):
        grant(counts, asked.request_id, STEWARD, Choice())
    assert request_of(counts, asked.request_id).state == "open"
    others = ask_for(counts, "moh", "population.citizen", an_ask(recipient_name="Bộ Y tế", columns=("full_name",)))
    assert grant(counts, others.request_id, STEWARD, Choice()).state == "granted"


def test_a_mistake_that_was_there_before_hinders_no_grant(counts: At) -> None:
    write_agreement(counts.schemas, "census")  # beside counts for the same recipient, and not by this grant
    asked = ask_for(counts, "moh", "population.citizen", an_ask(recipient_name="Bộ Y tế", columns=("full_name",)))
    assert grant(counts, asked.request_id, STEWARD, Choice()).state == "granted"


@pytest.mark.parametrize("which", ["census", None])
def test_rows_beside_counts_are_not_shared(counts: At, which: str | None) -> None:
    assert share_step("counts", "20260302T000000Z-00000001", context=counts).verdict == "shared"
    write_agreement(counts.schemas, "census")
    done = share_step(which, "20260302T000000Z-00000002", context=counts)
    failed = {one.agreement: one.error for one in done.agreements if one.error}
    assert set(failed) == ({"census"} if which else {"census", "counts"})
    assert "could be found by comparing them" in failed["census"]
    with pytest.raises(LakeTableMissing):
        counts.lake.table("shared", "nso", "citizen")


def test_counts_that_have_ended_hinder_no_rows(counts: At) -> None:
    path = counts.schemas / "agreements" / "counts.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("until: 2026-12-31", "until: 2026-02-28"), "utf-8")
    write_agreement(counts.schemas, "census")
    done = share_step(None, "20260302T000000Z-00000001", context=counts)
    assert [one.error for one in done.agreements if one.error] == []
    assert counts.lake.table("shared", "nso", "citizen").to_pyarrow_table().num_rows


@pytest.mark.parametrize(
    "period", [("from: 2026-01-01", "from: 2026-06-01"), ("until: 2026-12-31", "until: 2026-02-01")]
)
@pytest.mark.parametrize("is_readable", [True, False])
def test_what_is_not_in_force_and_was_never_shared_fails_no_run(
    context: At, period: tuple[str, str], is_readable: bool
) -> None:
    (context.schemas / "agreements" / "health.yaml").unlink()
    write_agreement(context.schemas, "census", period)
    if not is_readable:
        (context.schemas / "registries" / "population.odcs.yaml").write_text("kind: nothing\n", encoding="utf-8")
    for run_id in ("20260302T000000Z-00000001", "20260302T000000Z-00000002"):
        done = share_step(None, run_id, context=context)
        assert [one.error for one in done.agreements if one.error] == []
    assert context.lake.table("shared", "nso", "citizen").to_pyarrow_table().num_rows == 0
