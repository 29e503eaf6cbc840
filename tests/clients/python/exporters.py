"""The OpenTelemetry project's own OTLP exporters, by protocol. Each reads the standard environment variables."""

import os
from importlib import import_module
from typing import NamedTuple

from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

PACKAGES = {
    "grpc": "opentelemetry.exporter.otlp.proto.grpc",
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http",
    "http/json": "opentelemetry.exporter.otlp.json.http",
}


class Exporters(NamedTuple):
    spans: SpanExporter
    logs: LogRecordExporter
    metrics: MetricExporter


def exporters_for(protocol, endpoint, compression):
    """The three exporters of a protocol, set up as an application would: by the base endpoint's variable."""
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    if compression != "none":
        os.environ["OTEL_EXPORTER_OTLP_COMPRESSION"] = compression
    package = PACKAGES[protocol]
    return Exporters(
        import_module(f"{package}.trace_exporter").OTLPSpanExporter(),
        import_module(f"{package}._log_exporter").OTLPLogExporter(),
        import_module(f"{package}.metric_exporter").OTLPMetricExporter(),
    )
