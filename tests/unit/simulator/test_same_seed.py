"""Same seed, same bytes; another seed, another country."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from include.simulator import Country, DirtRates, load_registry, simulate


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def a_country(folder: Path, seed: int) -> dict[str, str]:
    country = simulate(persons=400, seed=seed, out=folder)
    load_registry(country, "finance", (country.root / "drops" / "finance").as_uri())
    return digests(folder)


def test_the_same_seed_makes_the_same_bytes_of_staging_truth_and_drops(tmp_path: Path) -> None:
    first = a_country(tmp_path / "a", 5)
    assert first == a_country(tmp_path / "b", 5)
    assert {"truth/persons.parquet", "truth/dirt.parquet", "drops/finance/mien_giam_thue.xlsx"} < set(first)


def test_another_seed_makes_another_country(tmp_path: Path) -> None:
    one, two = a_country(tmp_path / "a", 5), a_country(tmp_path / "b", 6)
    differing = {name for name in one if one.get(name) != two.get(name)}
    assert "truth/persons.parquet" in differing
    assert "staging/land/ownership.parquet" in differing


def test_a_country_on_disk_can_be_opened_again(country: Country) -> None:
    assert Country.open(country.root) == country


def test_an_unfinished_country_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Country.open(tmp_path)


def test_too_few_persons_make_no_families(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 100 persons"):
        simulate(persons=20, seed=1, out=tmp_path)


def test_a_rate_is_a_share() -> None:
    with pytest.raises(ValueError, match=r"DirtRates\.typo"):
        DirtRates(typo=5)
    assert DirtRates().times(1_000).typo == 1.0
