"""Interface of all readers: the read request, the opened object, and a reading as one DuckDB query."""

from include.sources.open_object.python_values import (
    OddValue,
    array_of,
    arrow_type,
    batch_of,
    columns_of,
    is_finer,
    text_of_bytes,
)
from include.sources.open_object.read_request import ReadRequest
from include.sources.open_object.reading import GUARD, TEXT_NOTE, Conditions, NotCarried, OpenObject, Reading, guarded
