"""On a real S3 server a signed URL reads its one object for its time, and does nothing else for anybody."""

from __future__ import annotations

import time

import httpx

from include.lake.storage import Lake


def test_a_signed_url_of_the_store_opens_one_object_and_nothing_else(lake: Lake) -> None:
    own, other = lake.path("shared/nso/citizen/a.parquet"), lake.path("shared/moh/citizen/a.parquet")
    lake.write_text(own, "of nso")
    lake.write_text(other, "of moh")
    url, short = lake.presigned([own], seconds=60)[0], lake.presigned([own], seconds=1)[0]
    assert httpx.get(url).text == "of nso"
    assert httpx.get(url, headers={"range": "bytes=3-5"}).text == "nso"
    place = url.index("X-Amz-Signature=") + len("X-Amz-Signature=")
    wrong = "0" if url[place] != "0" else "1"
    tried = [
        httpx.get(url[:place] + wrong + url[place + 1 :]),
        httpx.get(url.replace("/nso/", "/moh/")),
        httpx.get(url.replace("a.parquet", "b.parquet")),
        httpx.get(url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")),
        httpx.get(url.partition("?")[0]),
        httpx.put(url, content=b"x"),
        httpx.delete(url),
    ]
    assert [answer.status_code for answer in tried] == [403] * len(tried)
    time.sleep(2)
    assert httpx.get(short).status_code == 403
    assert lake.read_text(own) == "of nso"


def test_readers_may_know_the_store_by_another_address(lake: Lake) -> None:
    """The address is signed: the one that readers use, not the one that the pipelines use."""
    uri = lake.path("shared/nso/citizen/a.parquet")
    lake.write_text(uri, "of nso")
    inside = dict(lake.options)["AWS_ENDPOINT_URL"]
    outside = inside.replace("127.0.0.1", "localhost")
    (url,) = lake.presigned([uri], seconds=60, endpoint=outside)
    assert url.startswith(f"{outside}/")
    assert httpx.get(url).text == "of nso"
    assert httpx.get(url.replace(outside, inside)).status_code == 403
