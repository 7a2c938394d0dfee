"""Every row is held to the contract, twice: DuckDB splits the rows, Great Expectations counts them again."""
