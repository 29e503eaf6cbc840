"""Sends spans, log records and metric points of every shape through the OpenTelemetry SDK, and records what was sent.

    all_signals.py --protocol grpc|http/protobuf|http/json --endpoint URL --record FILE [--compression gzip]
                   [--traces N] [--signals traces,logs,metrics]

Exits with 1 when something was not acknowledged; what was stands in the record.
"""

import argparse
import sys
import time

from exporters import exporters_for
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from recording import Record, RecordedLogs, RecordedMetrics, RecordedSpans

RESOURCE = Resource.create(
    {"service.name": "checkout", "service.version": "1.4.2", "host.cpu.count": 4, "deployment.zones": ["a", "b"]}
)

ATTRIBUTES = {
    "text": "Grüße, 世界 🦀",
    "empty": "",
    "yes": True,
    "no": False,
    "zero": 0,
    "negative": -42,
    "past.double": 9_007_199_254_740_993,
    "ratio": 0.1,
    "whole.double": 3.0,
    "huge": 1.7e308,
    "texts": ["x", "y"],
    "numbers": [1, 2, 3],
    "flags": [True, False],
}


ELSEWHERE = trace.SpanContext(0x5B8AA5A2D2C872E8321CF37308D69DF2, 0x051581BF3CB55C13, False, trace.TraceFlags(1))


def send_traces(exporter, count):
    """Sends traces of three spans, and returns the last server span's context."""
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("shop.checkout", "2.0", schema_url="https://opentelemetry.io/schemas/1.34.0")
    for order in range(count):
        with tracer.start_as_current_span("POST /orders", kind=SpanKind.SERVER, attributes=ATTRIBUTES) as server:
            server.set_attribute("order", order)
            with tracer.start_as_current_span("charge card", kind=SpanKind.CLIENT) as client:
                client.add_event("retry", {"attempt": 2, "reason": "timeout"}, timestamp=time.time_ns())
                try:
                    raise ValueError("card refused")
                except ValueError as error:
                    client.record_exception(error)
                    client.set_status(Status(StatusCode.ERROR, "card refused"))
            link = Link(client.get_span_context(), {"why": "follows"})
            with tracer.start_as_current_span("send mail", kind=SpanKind.PRODUCER, links=[link]) as producer:
                producer.set_status(Status(StatusCode.OK))
    provider.shutdown()
    return server.get_span_context()


def send_logs(exporter, span):
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("shop.audit", "0.1")
    context = trace.set_span_in_context(trace.NonRecordingSpan(span))
    bodies = ["order placed", {"order": 17, "lines": [{"sku": "a-1", "count": 2}], "paid": True}, 12.5, ["a", 1]]
    severities = [SeverityNumber.INFO, SeverityNumber.WARN, SeverityNumber.ERROR, SeverityNumber.DEBUG]
    for body, severity in zip(bodies, severities):
        now = time.time_ns()
        record = LogRecord(
            timestamp=now,
            observed_timestamp=now + 1,
            context=context,
            severity_number=severity,
            severity_text=severity.name,
            body=body,
            attributes=ATTRIBUTES,
        )
        logger.emit(record)
    provider.shutdown()


def send_metrics(exporter):
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    exponential = View(instrument_name="shop.payload", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], resource=RESOURCE, views=[exponential])
    meter = provider.get_meter("shop.metrics", "1")
    orders = meter.create_counter("shop.orders", unit="{order}", description="Orders placed")
    orders.add(3, {"country": "NO"})
    orders.add(5, {"country": "JP", "vip": True})
    meter.create_counter("shop.revenue", unit="EUR").add(12.75)
    meter.create_up_down_counter("shop.carts", unit="{cart}").add(-2)
    meter.create_gauge("shop.temperature", unit="Cel").set(21.5, {"room": "cold"})
    duration = meter.create_histogram("shop.duration", unit="s")
    payload = meter.create_histogram("shop.payload", unit="By")
    for value in (0.002, 0.03, 0.4, 5.0):
        duration.record(value)
        payload.record(value * 1000)
    meter.create_observable_gauge("shop.queue", [lambda options: [Observation(7, {"queue": "mail"})]])
    provider.force_flush()
    provider.shutdown()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", required=True, choices=["grpc", "http/protobuf", "http/json"])
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--record", required=True)
    parser.add_argument("--compression", choices=["none", "gzip", "deflate"], default="none")
    parser.add_argument("--traces", type=int, default=2)
    parser.add_argument("--signals", default="traces,logs,metrics")
    return parser.parse_args()


def main():
    given = arguments()
    record = Record(given.record)
    exporters = exporters_for(given.protocol, given.endpoint, given.compression)
    signals = given.signals.split(",")
    span = ELSEWHERE
    if "traces" in signals:
        span = send_traces(RecordedSpans(record, exporters.spans), given.traces)
    if "logs" in signals:
        send_logs(RecordedLogs(record, exporters.logs), span)
    if "metrics" in signals:
        send_metrics(RecordedMetrics(record, exporters.metrics))
    if record.failures:
        sys.exit(f"{record.failures} requests were not acknowledged")


if __name__ == "__main__":
    main()
