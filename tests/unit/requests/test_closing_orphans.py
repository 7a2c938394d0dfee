"""Tables that no agreement accounts for any more, closed as the scheduler does it: one agreement a run, then the rest.

Older tests carried out all agreements in one run, which no DAG does.
"""

from __future__ import annotations

import pytest
import yaml

from include.audit.verification import verify
from include.contracts.yaml_files import ContractError
from include.pipelines.sharing import close_step, share_step
from include.sharing.products import opened
from tests.small_population import AGREEMENT, At, write_agreement

from .conftest import DAY, KEY

NAMES = """\
  - name: names
    table: population.citizen
    columns: [{name: full_name, protection: none}]
"""


@pytest.fixture
def shared(context: At) -> At:
    """A context where `census` has shared two products."""
    (context.schemas / "agreements" / "health.yaml").unlink()
    (context.schemas / "agreements" / "census.yaml").write_text(AGREEMENT + NAMES, encoding="utf-8")
    contract = context.schemas / "registries" / "population.odcs.yaml"
    named = contract.read_text(encoding="utf-8").replace(
        "businessName: Họ và tên", "businessName: Họ tên [theo căn cước]"
    )
    contract.write_text(named, encoding="utf-8")
    context = At(context.lake, context.schemas, {"LIENTHONG_PSEUDONYM_KEY": KEY.hex()}, context.clock)
    assert share_step("census", "20260302T000000Z-00000001", context=context).verdict == "shared"
    return context


def state(context: At, product: str) -> str:
    found = opened(context.lake, "nso", product)
    assert found is not None
    rows = found.delta.to_pyarrow_table().num_rows
    return f"{found.notes['state']} with {'rows' if rows else 'none'}"


def states(context: At) -> tuple[str, str]:
    return state(context, "citizen"), state(context, "names")


OPEN, CLOSED = "open with rows", "closed with none"


def test_a_product_that_left_its_agreement_is_closed(shared: At) -> None:
    write_agreement(shared.schemas, "census", ("version: 1.0.0", "version: 2.0.0"))
    assert share_step("census", "20260303T000000Z-00000002", context=shared).verdict == "shared"
    assert close_step("20260303T000000Z-00000003", context=shared).verdict == "shared"
    assert states(shared) == (OPEN, CLOSED)


def test_an_agreement_whose_file_is_gone_is_closed(shared: At) -> None:
    (shared.schemas / "agreements" / "census.yaml").unlink()
    assert close_step("20260303T000000Z-00000002", context=shared).verdict == "shared"
    assert states(shared) == (CLOSED, CLOSED)
    assert close_step("20260304T000000Z-00000003", context=shared).agreements[0].products[0].verdict == "unchanged"


def test_a_slip_in_a_file_fails_and_closes_nothing_before_the_last_day(shared: At) -> None:
    slip = ("until: 2026-12-31", "until: 2026-12-31\nremark: x")
    write_agreement(shared.schemas, "census", slip)
    write_agreement(shared.schemas, "other", ("id: nso", "id: moh"), ("until: 2026-12-31", "until: 2026-02-28"))
    done = close_step("20260303T000000Z-00000002", context=shared)
    assert done.verdict == "failed"
    assert "remark" in done.agreements[0].error
    assert states(shared) == (OPEN, OPEN)
    shared.clock[0] += 304 * DAY  # 31 December
    close_step("20261231T000000Z-00000003", context=shared)
    assert states(shared) == (OPEN, OPEN)
    shared.clock[0] += DAY
    assert close_step("20270101T000000Z-00000004", context=shared).verdict == "failed"
    assert states(shared) == (CLOSED, CLOSED)


def test_a_folder_that_is_not_there_closes_nothing(shared: At) -> None:
    shared.schemas.rename(shared.schemas.with_name("elsewhere"))
    with pytest.raises(ContractError, match="holds no contract"):
        close_step("20260303T000000Z-00000002", context=shared)
    assert states(shared) == (OPEN, OPEN)


def test_a_file_with_a_slip_keeps_no_table_of_another_open(shared: At) -> None:
    """A run over all agreements closed none of what was left while any agreement failed."""
    (shared.schemas / "agreements" / "census.yaml").unlink()
    write_agreement(shared.schemas, "slip", ("until:", "untill:"))
    assert share_step(None, "20260303T000000Z-00000002", context=shared).verdict == "failed"
    assert states(shared) == (CLOSED, CLOSED)


@pytest.mark.parametrize("column", ["full_name", "personal_id", "birth_date"])
def test_a_column_that_becomes_sensitive_stands_bare_nowhere(shared: At, column: str) -> None:
    """Only what gave it bare is closed. Older tests knew mistakes of an agreement's own file."""
    path = shared.schemas / "registries" / "population.odcs.yaml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    (of_it,) = [one for one in contract["schema"][0]["properties"] if one["name"] == column]
    of_it["classification"] = "sensitive"
    assert column != "full_name" or of_it["businessName"].endswith("]"), "what is no protection"
    path.write_text(yaml.safe_dump(contract, allow_unicode=True, sort_keys=False), encoding="utf-8")
    is_bare = column == "full_name"
    today = At(shared.lake, shared.schemas, shared.environ, shared.clock)
    for number, of_bare in enumerate(({"closed"}, set())):
        (result,) = share_step("census", f"20260303T000000Z-0000000{number}", context=today).agreements
        assert ("sensitive" in result.error) == is_bare, result
        assert {one.verdict for one in result.products} == (of_bare if is_bare else {"unchanged"})
    assert states(shared) == (OPEN, CLOSED if is_bare else OPEN)
    assert {one.subject for one in verify(shared.lake).discrepancies} == {"registry/population/citizen"}, "no step's"


@pytest.mark.parametrize("ended", ["census", "later"])
def test_two_agreements_with_one_table_are_refused_as_the_check_refuses_them(context: At, ended: str) -> None:
    """Older tests asked the check alone; the step went by what is in force, which an ended agreement is not."""
    context = At(context.lake, context.schemas, {"LIENTHONG_PSEUDONYM_KEY": KEY.hex()}, context.clock)
    holds = {"census": "later", "later": "census"}[ended]
    write_agreement(context.schemas, ended, ("until: 2026-12-31", "until: 2026-02-28"))
    write_agreement(context.schemas, holds, ("from: 2026-01-01", "from: 2026-03-01"))
    (failed,) = share_step(holds, "20260302T000000Z-00000001", context=context).agreements
    assert f"the agreement `{ended}` already writes shared/nso/citizen" in failed.error
    assert share_step(ended, "20260302T000000Z-00000002", context=context).verdict == "shared", "closing always goes on"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("withdrawal: {from: 2026-03-05, reason: x}", "2026-03-05"),
        ("Withdrawn:\n  from: '2026-03-05'", "2026-03-05"),
        ("withdrawn: {from: 2026-03-05, reasons: x}", "2026-03-05"),
        ("withdrawn: {from: 2026-03-05, reason: x}\nremark: x", "2026-03-05"),
        ("withdrawn: {form: 2026-03-05, reason: x}", "2026-03-03"),
        ("withdrawn: 05/03/2026", "2026-03-03"),
        # No YAML; all above are.
        ("withdrawn:\n  from: 2026-03-05\n  reason: by letter: 12/CP", "2026-03-05"),
        ("withdrawn:\n\n\tfrom: 2026-03-05\n\treason: x", "2026-03-05"),
        ("withdrawn: {from: 2026-03-05, reason: x}\nuntil: 2026-12-31", "2026-03-05"),
        ("withdrawn: {from: 2026-03-05, reason: x", "2026-03-05"),
        ("'withdrawn': {from: 2026-03-32, reason: [}", "2026-03-03"),
        ("withdrawal:", "2026-03-03"),
        ("remark: was once withdrawn: by letter of 2026-03-05", "2026-12-31"),
    ],
)
def test_a_withdrawal_ends_on_its_day_though_the_file_has_a_mistake(shared: At, text: str, meant: str) -> None:
    """What was withdrawn by a slip like `withdrawal:` stayed readable until the last day of the former text."""
    write_agreement(shared.schemas, "census", ("until: 2026-12-31", f"until: 2026-12-31\n{text}"))
    for day in ("2026-03-03", "2026-03-04", "2026-03-05"):
        shared.clock[0] += DAY
        done = close_step(f"{day.replace('-', '')}T000000Z-00000002", context=shared)
        assert done.verdict == "failed", "until a person has mended the file"
        assert states(shared) == ((CLOSED, CLOSED) if day >= meant else (OPEN, OPEN)), day
