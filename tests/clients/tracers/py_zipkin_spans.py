"""Yelp's py_zipkin, in any encoding: py_zipkin_spans.py V1_THRIFT|V1_JSON|V2_JSON|V2_PROTO3 URL"""

import sys
from urllib.request import Request, urlopen

from py_zipkin import Encoding, Kind
from py_zipkin.transport import BaseTransportHandler
from py_zipkin.zipkin import zipkin_client_span, zipkin_server_span

CONTENT_TYPES = {"V1_THRIFT": "application/x-thrift", "V2_PROTO3": "application/x-protobuf"}

name, url = sys.argv[1:]


class Transport(BaseTransportHandler):
    def get_max_payload_bytes(self):
        return None

    def send(self, payload):
        body = payload if isinstance(payload, bytes) else payload.encode()
        headers = {"content-type": CONTENT_TYPES.get(name, "application/json")}
        with urlopen(Request(url, body, headers)) as answer:
            assert answer.status == 202, answer.status


with zipkin_server_span(
    service_name="shop",
    span_name="GET /cart",
    transport_handler=Transport(),
    encoding=Encoding[name],
    sample_rate=100,
    port=8080,
    host="127.0.0.1",
    binary_annotations={"note": "Grüße 🦀"},
) as server:
    with zipkin_client_span(service_name="shop", span_name="SELECT carts") as client:
        client.add_annotation("slow")
        client.add_sa_binary_annotation(port=5432, service_name="carts-db", host="127.0.0.2")
        client.update_binary_annotations({"error": "connection lost"})
