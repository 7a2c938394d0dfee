"""What a client can do, by its header `delta-sharing-capabilities`, and the response format that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from include.sharing.delta_sharing.errors import Malformed

HEADER = "delta-sharing-capabilities"
ResponseFormat = Literal["parquet", "delta"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Formats and reader features that the client names, and whether it asks for an action at the end of the stream."""

    formats: tuple[str, ...] = ("parquet",)
    features: frozenset[str] = frozenset()
    wants_end: bool = False

    @classmethod
    def of(cls, header: str) -> Capabilities:
        """The capabilities in a header: `key=value,value;key=value`, in any case; unknown keys are left out."""
        given: dict[str, tuple[str, ...]] = {}
        for part in header.lower().split(";"):
            key, _, values = part.partition("=")
            given[key.strip()] = tuple(value.strip() for value in values.split(",") if value.strip())
        return cls(
            given.get("responseformat") or ("parquet",),
            frozenset(given.get("readerfeatures", ())),
            given.get("includeendstreamaction") == ("true",),
        )

    def format_for(self, reader_features: frozenset[str]) -> ResponseFormat:
        """The response format for a table that needs these reader features; `parquet` where the client takes both.

        Raises:
            Malformed: the client cannot read the table, or names no format of the protocol.
        """
        if not reader_features and "parquet" in self.formats:
            return "parquet"
        if "delta" not in self.formats:
            if not reader_features:
                raise Malformed("responseformat must be parquet, delta or both")
            raise Malformed(
                f"the table needs the reader feature {_named(reader_features)}, which the parquet format does not "
                "have: ask for responseformat=delta (in Python load_as_pandas(url, use_delta_format=True))"
            )
        if missing := {feature for feature in reader_features if feature.lower() not in self.features}:
            raise Malformed(
                f"the table needs the reader feature {_named(missing)}, which your client does not name: use a newer "
                "client; the change feed of such a table is not read by the Python client 1.4: read the whole table"
            )
        return "delta"


def _named(features: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(features))
