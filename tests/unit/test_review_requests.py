"""Requests that are made from a contract: forms with files, headers and cookies."""

from __future__ import annotations

import pytest

from fastwright.model.finding import Caller
from fastwright.review.live.carrying import carrying
from fastwright.review.live.exchange import Exchange, with_headers
from fastwright.review.multipart import CONTENT_TYPE, TEXT, UPLOADS, Part, encoded, parts_of
from fastwright.review.requests import Contract, Ready


@pytest.mark.parametrize("upload", UPLOADS, ids=lambda upload: upload.kind)
def test_a_form_reads_as_it_was_written(upload: object) -> None:
    """Fields, files, files without a name and bytes that are no text come back as they were."""
    parts = (
        Part("title", "wörd\0".encode()),
        TEXT.part("first"),
        Part("empty", b"", "", ""),
        Part("odd", b"\xff\xfe\r\n\r\n--\x00", "../fw.txt", "text/plain"),
        upload.part("last"),  # type: ignore[attr-defined]
    )
    assert parts_of(encoded(parts)) == parts


@pytest.mark.parametrize(
    "file",
    [
        {"type": "string", "format": "binary"},
        {"type": "string", "contentMediaType": "application/octet-stream"},
        {"type": "array", "items": {"type": "string", "format": "binary"}},
    ],
    ids=["3.0", "3.1", "several"],
)
def test_a_contract_with_a_file_gets_one(file: dict[str, object]) -> None:
    """Both ways in which OpenAPI tells a file are filled, beside plain fields and a cookie."""
    form = {"type": "object", "properties": {"file": file, "count": {"type": "integer"}},
            "required": ["file", "count"]}  # fmt: skip
    post = {
        "parameters": [
            {"name": "theme", "in": "cookie", "required": True, "schema": {"type": "string"}},
            {"name": "shop", "in": "cookie", "required": True, "schema": {"type": "integer"}},
        ],
        "requestBody": {"content": {"multipart/form-data": {"schema": form}}},
    }
    request = Contract({"paths": {"/files": {"post": post}}}).request("POST", "/files", _unknown)
    assert dict(request.headers) == {
        "content-type": CONTENT_TYPE,
        "cookie": "theme=fastwright; shop=1",
    }
    assert parts_of(request.body) == (TEXT.part("file"), Part("count", b"1"))


def _unknown(_name: str, _path: str) -> None:
    """Nothing is known of any field."""


def test_a_cookie_of_the_request_stands_beside_that_of_its_sender() -> None:
    """One header holds both; of two of one name that of the request counts, and is its own."""
    plain = Ready("/", (("cookie", "theme=light"),))
    varied = carrying(plain, "cookie", "theme", "dark")
    carried = (("cookie", "session=s3cret; theme=blue"), ("authorization", "Bearer t"))
    sent = with_headers(varied, carried)
    told = dict(sent.headers)
    assert sorted(told.pop("cookie").split("; ")) == ["session=s3cret", "theme=dark"]
    assert told == {"authorization": "Bearer t"}
    exchange = Exchange(Caller.OWNER, "GET /", "GET", sent, 500, carried=carried)
    assert exchange.own_headers == (("cookie", "theme=dark"),)


def test_a_header_of_the_request_takes_the_place_of_its_senders() -> None:
    """A varied credential is sent once, and not beside the true one."""
    varied = carrying(Ready("/"), "header", "Authorization", "nonsense")
    sent = with_headers(varied, (("authorization", "Bearer t"),))
    assert sent.headers == (("authorization", "nonsense"),)
