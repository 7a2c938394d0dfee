"""Carry out the agreements: what is in force is published to its recipient, what is not is emptied, all on record."""

from __future__ import annotations

import difflib
from dataclasses import asdict
from typing import Any

from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.sync import Facts
from include.pipelines.trail import record_commits
from include.pipelines.workplace import Workplace
from include.sharing.keys import MasterKey
from include.sharing.load import load_agreements
from include.sharing.share import Sharing, close_orphans, share_agreement


def share_step(agreement_id: str | None, run_id: str, *, workplace: Workplace | None = None) -> Facts:
    """Carry out one agreement, or all of them; with all, tables that no agreement names any more are closed too.

    Returns:
        `{run_id, agreements: [{agreement, standing, products: [...]}]}`: verdicts, versions and counts.

    Raises:
        Misuse: there is no such agreement.
        PseudonymKeyMissing: a product needs pseudonyms and LIENTHONG_PSEUDONYM_KEY is missing or short.
    """
    place = workplace or Workplace.from_environment()
    with no_values_escape("sharing"):
        agreements = load_agreements(place.schemas)
        if agreement_id is not None and agreement_id not in agreements:
            near = difflib.get_close_matches(agreement_id, agreements, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(agreements)}"
            raise Misuse(f"no agreement `{agreement_id}`: {hint}")
        chosen = [agreements[agreement_id]] if agreement_id else list(agreements.values())
        key, at = MasterKey.from_environment(place.environ), place.now()
        done: list[dict[str, Any]] = []
        for agreement in chosen:
            sharing = share_agreement(agreement, place.contracts, lake=place.lake, at=at, run_id=run_id, key=key)
            done.append(_record(place, sharing))
        if agreement_id is None:
            done.append(_record(place, close_orphans(agreements.values(), lake=place.lake, run_id=run_id)))
    return {"run_id": run_id, "agreements": [d for d in done if d["agreement"] or d["products"]]}


def _record(place: Workplace, sharing: Sharing) -> dict[str, Any]:
    record_commits(place, [result.subject for result in sharing.results], sharing.records)
    return {
        "agreement": sharing.agreement,
        "standing": sharing.standing,
        "products": [asdict(result) for result in sharing.results],
    }
