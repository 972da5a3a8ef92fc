"""The values are those that AWS publishes: "Signature Calculations for the Authorization Header", S3 API reference."""

from datetime import UTC, datetime

import pytest

from apps.modules.catalog.storage._s3_signing import Credentials, encoded_path, encoded_query, signed

pytestmark = pytest.mark.spec("storage.s3")

HOST = "examplebucket.s3.amazonaws.com"
AT = datetime(2013, 5, 24, tzinfo=UTC)
KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_getting_a_part_of_an_object():
    sent = signed("GET", HOST, "/test.txt", {}, {"Range": "bytes=0-9"}, b"", AT, KEYS)
    assert sent == {
        "range": "bytes=0-9",
        "x-amz-content-sha256": EMPTY,
        "x-amz-date": "20130524T000000Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    }


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body", "signature"),
    [
        (
            "PUT",
            "/test$file.text",
            {},
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/", {"lifecycle": ""}, {}, b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "GET",
            "/",
            {"prefix": "J", "max-keys": "2"},
            {},
            b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_other_published_requests(method, path, query, headers, body, signature):
    said = signed(method, HOST, path, query, headers, body, AT, KEYS)["authorization"]
    assert said.rpartition("Signature=")[2] == signature


def test_paths_and_queries_are_encoded_as_they_are_signed():
    assert encoded_path("/a b/ü+~$.txt") == "/a%20b/%C3%BC%2B~%24.txt"
    assert encoded_query({"prefix": "a/b c", "list-type": "2"}) == "list-type=2&prefix=a%2Fb%20c"
