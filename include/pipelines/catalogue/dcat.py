"""The catalogue for harvesters: DCAT-AP 3.0 as JSON-LD, with a dataset for each published table.

Distributions lead to the table's page and to the Delta Sharing service: what is read there needs an agreement.
https://semiceu.github.io/DCAT-AP/releases/3.0.1/
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from include.audit.report_data import PERSONAL
from include.contracts.model import Contract, Table
from include.contracts.words import BilingualText
from include.pipelines import Misuse, PipelineContext
from include.pipelines.catalogue.entries import register_name, table_name
from include.pipelines.catalogue.odcs import frequency
from include.pipelines.reporting import QualityPages
from include.pipelines.serving import endpoint_of

MEDIA_TYPE = "application/ld+json"
_GOVERNMENT = BilingualText("Government and public sector", "Chính phủ và khu vực công")
PUBLISHER = BilingualText("Liên Thông data portal", "Cổng dữ liệu Liên Thông")
Json = dict[str, object]

_EU = "http://publications.europa.eu/resource/authority"
_CONTEXT: Json = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_SPOKEN = "dct:LinguisticSystem"
_OPEN_PROTOCOL = "https://github.com/delta-io/delta-sharing/blob/main/PROTOCOL.md"
_MOST_KEYWORDS = 40


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where people reach the portal, and tools the Delta Sharing server."""

    portal: str
    sharing: str


def addresses_of(context: PipelineContext, portal: str = "") -> Addresses:
    """The addresses as they are set; where that of the server is not known, the portal's page of products stands in.

    Raises:
        Misuse: LIENTHONG_PORTAL_URL is no http(s) URL.
    """
    portal = portal or portal_url(context)
    try:
        return Addresses(portal, endpoint_of(context))
    except Misuse:
        return Addresses(portal, f"{portal}/products")


def portal_url(context: PipelineContext, otherwise: str = "http://127.0.0.1:8770") -> str:
    """The portal's address as people reach it, LIENTHONG_PORTAL_URL; without it where it listens.

    Raises:
        Misuse: it is no http(s) URL.
    """
    url = context.environ.get("LIENTHONG_PORTAL_URL", "").strip().rstrip("/") or otherwise
    if not url.startswith(("http://", "https://")):
        raise Misuse("LIENTHONG_PORTAL_URL must be the portal's address, such as https://data.example.gov.vn")
    return url


def write_catalogue(context: PipelineContext, out: Path) -> int:
    """Write the catalogue of all contracts to a file; returns the number of tables.

    Raises:
        ContractError: a contract has mistakes.
    """
    quality = QualityPages(context)
    contracts = context.contracts
    out.write_text(catalogue_document(contracts.values(), last_good_runs(quality), addresses_of(context)), "utf-8")
    return sum(len(contract.tables) for contract in contracts.values())


def last_good_runs(quality: QualityPages) -> dict[str, datetime]:
    """By `registry.table`, when it was last read with success. Raises LakeError or StepFailed."""
    good = ((one.table.qualified_name, one.freshness.last_good_at) for one in quality.overview().tables)
    return {name: at for name, at in good if at is not None}


def catalogue_document(contracts: Iterable[Contract], modified: Mapping[str, datetime], addresses: Addresses) -> str:
    """The catalogue as JSON-LD. `modified`: by `registry.table`, its last good run."""
    url = addresses.portal
    datasets = [_dataset(contract, table, modified, url) for contract in contracts for table in contract.tables]
    catalogue: Json = {
        "@context": _CONTEXT,
        "@id": f"{url}/catalogue",
        "@type": "dcat:Catalog",
        "dct:title": _texts(BilingualText("Registers of the Liên Thông lake", "Danh mục dữ liệu Liên Thông")),
        "dct:description": _texts(
            BilingualText(
                "Published tables of the registers, their meaning, quality and ways to ask for them.",
                "Các bảng công bố của các cơ sở dữ liệu: ý nghĩa, chất lượng và cách đề nghị cung cấp.",
            )
        ),
        "dct:publisher": _agent(PUBLISHER),
        "dct:language": [_node(f"{_EU}/language/{one}", _SPOKEN) for one in ("VIE", "ENG")],
        "dct:spatial": _node(f"{_EU}/country/VNM", "dct:Location"),
        "foaf:homepage": _node(f"{url}/", "foaf:Document"),
        "dcat:service": _service(addresses, datasets),
        "dcat:dataset": datasets,
    }
    return json.dumps(catalogue, ensure_ascii=False, indent=1) + "\n"


@dataclass
class KeptDocument:
    """The catalogue's document for a server, written anew when contracts, last good runs or addresses change."""

    _known: tuple[Mapping[str, Contract], Mapping[str, datetime], Addresses, bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self, contracts: Mapping[str, Contract], modified: Mapping[str, datetime], addresses: Addresses) -> bytes:
        """The document of these, as UTF-8. `contracts` is another object when one has changed."""
        with self._lock:
            known = self._known
            if known is None or known[0] is not contracts or known[1:3] != (modified, addresses):
                text = catalogue_document(contracts.values(), modified, addresses)
                known = self._known = (contracts, modified, addresses, text.encode())
            return known[3]


def table_document(contract: Contract, table: Table, modified: Mapping[str, datetime], addresses: Addresses) -> str:
    """The dataset of one table as JSON-LD, with the service that it is read by."""
    dataset = _dataset(contract, table, modified, addresses.portal)
    graph = [dataset, _service(addresses, [dataset])]
    return json.dumps({"@context": _CONTEXT, "@graph": graph}, ensure_ascii=False, indent=1) + "\n"


def _dataset(contract: Contract, table: Table, modified: Mapping[str, datetime], url: str) -> Json:
    register, name = register_name(contract), table_name(table)
    page = f"{url}/tables/{table.registry}/{table.name}"
    is_personal = any(column.classification in PERSONAL for column in table.columns)
    title = BilingualText(f"{register.english}: {name.english}", f"{register.vietnamese}: {name.vietnamese}")
    labels = dict.fromkeys(column.business_name for column in table.columns if column.business_name)
    keywords = [*labels][:_MOST_KEYWORDS]
    about = BilingualText(table.description or title.english, title.vietnamese)
    dataset: Json = {
        "@id": f"{page}#dataset",
        "@type": "dcat:Dataset",
        "dct:title": _texts(title),
        "dct:description": _texts(about),
        "dct:identifier": table.qualified_name,
        "dct:publisher": _agent(
            BilingualText(contract.owner or register.english, contract.owner or register.vietnamese)
        ),
        "dct:accessRights": _node(
            f"{_EU}/access-right/{'NON_PUBLIC' if is_personal else 'RESTRICTED'}", "dct:RightsStatement"
        ),
        "dct:language": _node(f"{_EU}/language/VIE", _SPOKEN),
        "dct:spatial": _node(f"{_EU}/country/VNM", "dct:Location"),
        "dcat:theme": {**_node(f"{_EU}/data-theme/GOVE", "skos:Concept"), "skos:prefLabel": _texts(_GOVERNMENT)},
        "dcat:landingPage": _node(page, "foaf:Document"),
        "dcat:version": contract.version,
        "dcat:distribution": {
            "@id": f"{page}#distribution",
            "@type": "dcat:Distribution",
            "dct:title": _texts(BilingualText("Delta Sharing", "Delta Sharing")),
            "dct:description": _texts(
                BilingualText(
                    "Read by the open Delta Sharing protocol, under an agreement in force.",
                    "Đọc bằng giao thức mở Delta Sharing, theo thỏa thuận đang có hiệu lực.",
                )
            ),
            "dcat:accessURL": _node(page),
            "dcat:accessService": _node(f"{url}/catalogue#sharing"),
            "dcat:mediaType": _node(
                "https://www.iana.org/assignments/media-types/application/vnd.apache.parquet", "dct:MediaType"
            ),
        },
    }
    if keywords:
        dataset["dcat:keyword"] = [{"@value": label, "@language": "vi"} for label in keywords]
    if contract.sla.schedule:
        dataset["dct:accrualPeriodicity"] = _node(
            f"{_EU}/frequency/{frequency(contract.sla.schedule)}", "dct:Frequency"
        )
    if at := modified.get(table.qualified_name):
        dataset["dct:modified"] = {"@value": at.isoformat(timespec="seconds"), "@type": "xsd:dateTime"}
    return dataset


def _service(addresses: Addresses, datasets: Iterable[Json]) -> Json:
    return {
        "@id": f"{addresses.portal}/catalogue#sharing",
        "@type": "dcat:DataService",
        "dct:title": _texts(BilingualText("Delta Sharing server", "Máy chủ Delta Sharing")),
        "dct:description": _texts(
            BilingualText(
                "Shared tables for recipients of agreements.", "Các bảng chia sẻ cho bên nhận theo thỏa thuận."
            )
        ),
        "dct:publisher": _agent(PUBLISHER),
        "dct:conformsTo": _node(_OPEN_PROTOCOL, "dct:Standard"),
        "dcat:endpointURL": _node(addresses.sharing),
        "dcat:servesDataset": [_node(str(dataset["@id"])) for dataset in datasets],
    }


def _texts(text: BilingualText) -> list[Json]:
    return [{"@value": text.vietnamese, "@language": "vi"}, {"@value": text.english, "@language": "en"}]


def _agent(name: BilingualText) -> Json:
    return {"@type": "foaf:Agent", "foaf:name": _texts(name)}


def _node(iri: str, kind: str = "") -> Json:
    return {"@id": iri, "@type": kind} if kind else {"@id": iri}
