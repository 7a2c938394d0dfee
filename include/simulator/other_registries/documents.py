"""Simulated exchange platform: documents between agencies, what became of them, and their signatures."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from include.simulator.dirt import SystemRates, each
from include.simulator.other_registries.columns import Row, agencies, day, moved, old_form, sheet
from include.simulator.society import Society
from include.simulator.staging import TruthWriter

DOCUMENTS = 160
WAY = ("01", "03", "04", "05", "06")
ISSUER = "CN=Cơ quan chứng thực số chuyên dùng Chính phủ"
ROLES = ("person", "agency")


def build_documents(society: Society, rates: SystemRates, out: TruthWriter) -> None:
    """Writes documents, transmissions, events and signatures, dirty, and their truth."""
    rng = society.stream("documents")
    senders = agencies(society, ("bo", "ngang_bo"))
    receivers = [*agencies(society, ("tinh",)), *senders]
    now = np.datetime64(society.as_of, "s")
    documents: list[Row] = []
    sent: list[Row] = []
    events: list[Row] = []
    signatures: list[Row] = []
    is_unsigned: list[bool] = []
    for number in range(DOCUMENTS):
        sender = senders[number % len(senders)]
        signed = moved(now, days=-float(rng.integers(10, 260)), hours=float(rng.integers(8, 16)))
        stamp = signed.astype("datetime64[D]").astype(object)
        notation = str(rng.choice((f"{sender}-VP", f"{sender}-ĐT")))
        identifier = f"{old_form(sender)},{stamp:%Y/%m/%d},{number + 1}/{notation}"
        documents.append(_document(identifier, sender, number, notation, signed, rng))
        is_unsigned.append(rng.random() < rates.unsigned)
        if not is_unsigned[-1]:
            signatures += [_signature(identifier, role, number, signed) for role in ROLES]
        for place, receiver in enumerate(rng.choice(receivers, int(rng.integers(1, 4)), replace=False)):
            at = moved(signed, minutes=float(rng.integers(10, 200)))
            whom = old_form(str(receiver)) if rng.random() < 0.6 else str(receiver)
            row: Row = {"DocumentId": identifier, "ToOrganId": whom, "SentAt": at}
            sent.append({**row, "ReceiverType": "1" if place else "0", "ReceivedAt": moved(at, minutes=0.1)})
            for step, status in enumerate(WAY[: int(rng.integers(1, len(WAY) + 1))]):
                told: Row = {"DocumentId": identifier, "OrganId": whom, "StatusCode": status}
                when = moved(at, hours=float(step * 3), minutes=float(rng.integers(0, 60)))
                events.append({**told, "EventAt": when, "SentAt": at, "GatewaySequence": len(events) + 1})
    _write(rates, rng, out, documents, np.array(is_unsigned))
    out.add(sheet("documents", "transmission", ("DocumentId", "ToOrganId", "SentAt"), sent, rng))
    made = sheet("documents", "status_event", ("DocumentId", "OrganId", "StatusCode", "EventAt"), events, rng)
    made.plant("unknown_status", "StatusCode", rates.unknown_status, each(lambda v: "99"), rule="status.reference")
    long_ago = moved(now, days=-900.0).astype(object)
    made.plant(
        "event_before_sending", "EventAt", rates.event_before_sending, lambda values: [long_ago for _ in values],
        rule="event-not-before-sending",
    )  # fmt: skip
    made.repeat("repeated_row", rates.repeated_row)
    out.add(made)
    keys = ("DocumentId", "SignRole", "CertSerial", "CertIssuer")
    made = sheet("documents", "signature", keys, signatures, rng)
    made.plant(
        "serial_not_hexadecimal", "CertSerial", rates.serial_not_hexadecimal, each(lambda v: f"{v}-X"),
        rule="serial-hexadecimal",
    )  # fmt: skip
    out.add(made)


def _document(
    identifier: str, sender: str, number: int, notation: str, signed: np.datetime64, rng: np.random.Generator
) -> Row:
    steering = str(rng.choice(("1", "2", "3"), p=(0.7, 0.2, 0.1)))
    return {
        "DocumentId": identifier,
        "OrganId": old_form(sender),
        "CodeNumber": str(number + 1),
        "CodeNotation": notation,
        "PromulgationPlace": "Hà Nội",
        "SignDate": day(signed),
        "PromulgationDate": day(moved(signed, days=float(rng.integers(0, 2)))),
        "TypeCode": "18",
        "Subject": f"Văn bản mô phỏng số {number + 1}",
        "SignerPosition": "Thứ trưởng",
        "Priority": str(rng.choice(("0", "1", "3"), p=(0.8, 0.15, 0.05))),
        "PageAmount": int(rng.integers(1, 12)),
        "DueDate": day(moved(signed, days=10.0)) if steering == "2" else None,
        "ResponseFor": None,
        "SteeringType": steering,
        "BusinessDocType": "0",
        "ReceivedAt": moved(signed, hours=4.0),
    }


def _signature(identifier: str, role: str, number: int, signed: np.datetime64) -> Row:
    return {
        "DocumentId": identifier,
        "SignRole": role,
        "CertSerial": f"5401{number:04X}{'AB' if role == 'agency' else 'CD'}",
        "CertIssuer": ISSUER,
        "CertValidFrom": np.datetime64("2023-01-01T00:00:00", "s"),
        "CertValidUntil": np.datetime64("2028-01-01T00:00:00", "s"),
        "SignedAt": signed,
        "TimestampAt": moved(signed, minutes=1.0),
        "Algorithm": "RSA-SHA256",
        "CheckResult": "valid",
        "CheckedAt": moved(signed, minutes=2.0),
        "ReceivedAt": moved(signed, hours=4.0),
    }


def _write(
    rates: SystemRates,
    rng: np.random.Generator,
    out: TruthWriter,
    documents: list[Row],
    is_unsigned: np.typing.NDArray[np.bool_],
) -> None:
    made = sheet("documents", "document", ("DocumentId",), documents, rng)
    made.note("unsigned", "DocumentId", is_unsigned, pa.array([str(row["DocumentId"]) for row in documents]))
    made.plant(
        "signed_after_issue", "SignDate", rates.signed_after_issue, each(lambda v: f"{v[:-4]}2030"),
        rule="promulgated-not-before-signed",
    )  # fmt: skip
    made.plant("agency_in_words", "OrganId", rates.agency_in_words, each(lambda v: "Văn phòng"), rule="sender-form")
    made.plant(
        "damaged_notation",
        "CodeNotation",
        rates.damaged_notation,
        each(lambda v: v.replace("Đ", "Ð") if "Đ" in v else None),
    )
    made.repeat("repeated_row", rates.repeated_row)
    out.add(made)
