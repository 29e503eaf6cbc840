"""A span of a call, sent with the exporters as documents set them up: one endpoint, used as it is.

`trace_exporters.py PROTOCOL COMPRESSION ENDPOINT`: PROTOCOL is `grpc` or `http/protobuf`, COMPRESSION `none` or `gzip`.
"""

import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

protocol, compression, endpoint = sys.argv[1:]

if protocol == "grpc":
    from grpc import Compression
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    options = {"insecure": True}
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    options = {}
options["compression"] = Compression.Gzip if compression == "gzip" else Compression.NoCompression

exporter = OTLPSpanExporter(endpoint=endpoint, **options)
provider = TracerProvider(resource=Resource.create({"service.name": f"{protocol} {compression}"}))
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)

with trace.get_tracer("app").start_as_current_span("chat") as span:
    span.set_attribute("gen_ai.system", "openai")
    span.set_attribute("gen_ai.request.model", "gpt-4o")
    span.set_attribute("gen_ai.usage.prompt_tokens", 1200)
    span.set_attribute("gen_ai.usage.completion_tokens", 80)

provider.shutdown()
