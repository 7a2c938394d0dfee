"""Ten bombs: each stops its own file, in little time and memory, with file and line. No older test wrote one."""

from __future__ import annotations

import itertools
import resource
import time
from pathlib import Path

import pytest

from include.contracts.reading.load import load_contract, load_contracts
from include.contracts.yaml_files.problems import ContractError
from include.contracts.yaml_files.yaml_bounds import DEEPEST
from include.contracts.yaml_files.yaml_file import read_yaml
from include.identity.persons.golden_record import GoldenRulesBroken, load_golden
from include.sharing.agreements.loading import load_agreement

LETTERS = "abcdefghi"
LAUGHS = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in itertools.pairwise(LETTERS)
)
BOMBS = {
    "aliases of lists": LAUGHS,
    "aliases of mappings": LAUGHS.replace("[lol", "[{x: lol}"),
    "merged mappings": "a: &a {k: v}\n"
    + "".join(
        f"{name}: &{name} {{<<: [{','.join([f'*{before}'] * 9)}]}}\n" for before, name in itertools.pairwise(LETTERS)
    ),
    "a list within itself": "a: &a [*a]\n",
    "a mapping within itself": "a: &a {b: {c: *a}}\n",
    "deep lists": "a: " + "[" * 20_000 + "]" * 20_000 + "\n",
    "deep mappings": "a: " + "{a: " * 20_000 + "b" + "}" * 20_000 + "\n",
    "deep aliases": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 900)),
    "very many items": "a: [" + "[]," * 900_000 + "]\n",
    "very many bytes": "a: " + "x" * 17 * 1024**2 + "\n",
    "a number without end": "a: " + "1" * 100_000 + "\n",
}


def test_the_smallest_bomb_is_small() -> None:
    assert len(LAUGHS) < 400


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_a_bomb_is_refused_at_once_with_its_line(bomb: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.odcs.yaml"
    path.write_text("apiVersion: v3.2.0\n" + bomb, encoding="utf-8")
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(ContractError) as refused:
        load_contract(path)
    assert time.process_time() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024  # KiB
    (problem,) = refused.value.problems
    assert problem.path == path
    assert problem.line > 1 or problem.message.endswith(("bytes", "digits"))


@pytest.mark.parametrize("bomb", ["aliases of lists", "deep lists", "a list within itself"])
def test_an_agreement_and_the_golden_rules_are_read_within_the_same_bounds(bomb: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(BOMBS[bomb], encoding="utf-8")
    with pytest.raises(ContractError):
        load_agreement(path)
    with pytest.raises(GoldenRulesBroken):
        load_golden(path)


def test_aliases_and_nesting_that_are_no_bomb_are_read(tmp_path: Path) -> None:
    path = tmp_path / "sound.yaml"
    nested = "{a: " * (DEEPEST - 2) + "b" + "}" * (DEEPEST - 2)
    path.write_text(f"a: &a [1, 2]\nb: [*a, *a]\nc: {nested}\n", encoding="utf-8")
    assert read_yaml(path).data["b"] == [[1, 2], [1, 2]]


def test_the_other_contracts_are_read(tmp_path: Path) -> None:
    registries = tmp_path / "registries"
    registries.mkdir()
    sound = Path("schemas/registries/finance.odcs.yaml").read_text(encoding="utf-8")
    (registries / "finance.odcs.yaml").write_text(sound, encoding="utf-8")
    (registries / "bomb.odcs.yaml").write_text(LAUGHS, encoding="utf-8")
    assert load_contract(registries / "finance.odcs.yaml").registry == "finance"
    with pytest.raises(ContractError, match=r"bomb\.odcs\.yaml") as refused:
        load_contracts(tmp_path)
    assert {problem.path.name for problem in refused.value.problems} == {"bomb.odcs.yaml"}
