"""Who used my data: what the lake holds about one person, which recipients were given it, who has looked at it."""

from include.pipelines.subject.answering import answer_person
from include.pipelines.subject.letter import subject_letter
from include.pipelines.subject.model import (
    Given,
    GivenColumn,
    HeldRecord,
    HeldRows,
    Opened,
    Purpose,
    ReadOfRows,
    Span,
    SpanUnknown,
    Subject,
)
from include.pipelines.subject.persons import PersonUnknown
