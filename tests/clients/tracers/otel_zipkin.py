"""OpenTelemetry's own Zipkin exporters: otel_zipkin.py json|proto URL"""

import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

encoding, url = sys.argv[1:]
if encoding == "json":
    from opentelemetry.exporter.zipkin.json import ZipkinExporter
else:
    from opentelemetry.exporter.zipkin.proto.http import ZipkinExporter

provider = TracerProvider(resource=Resource({"service.name": "shop", "service.version": "1.2"}))
provider.add_span_processor(SimpleSpanProcessor(ZipkinExporter(endpoint=url)))
tracer = provider.get_tracer("cart", "1.0")

with tracer.start_as_current_span("GET /cart", kind=SpanKind.SERVER) as server:
    server.set_attributes({"size": 3, "ratio": 0.25, "cached": False, "note": "Grüße 🦀"})
    with tracer.start_as_current_span("SELECT carts", kind=SpanKind.CLIENT) as client:
        client.add_event("slow")
        client.set_status(Status(StatusCode.ERROR, "connection lost"))
provider.shutdown()
