"""What a client sent, written down by the SDK's own encoder, one OTLP/JSON request a line.

Wraps an exporter: what it exports is also encoded with `opentelemetry.exporter.otlp.proto.common`, and written down once
the receiver has acknowledged it. What comes out at the other end is compared with the record field by field.
"""

import base64
import json

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

ID_FIELDS = ("traceId", "spanId", "parentSpanId")


def as_otlp_json(request):
    """The request as OTLP/JSON, which has hexadecimal ids where protobuf's JSON has base64."""
    return _with_hex_ids(MessageToDict(request, use_integers_for_enums=True))


def _with_hex_ids(value):
    if isinstance(value, list):
        return [_with_hex_ids(element) for element in value]
    if isinstance(value, dict):
        return {
            key: base64.b64decode(inner).hex() if key in ID_FIELDS else _with_hex_ids(inner)
            for key, inner in value.items()
        }
    return value


class Record:
    """A file with one acknowledged request a line, and the number of requests that were not acknowledged."""

    def __init__(self, path):
        self._file = open(path, "a", encoding="utf-8")
        self.failures = 0

    def write(self, request, result):
        if result.name == "SUCCESS":
            self._file.write(json.dumps(as_otlp_json(request)) + "\n")
            self._file.flush()
        else:
            self.failures += 1
        return result


class RecordedSpans(SpanExporter):
    def __init__(self, record, exporter):
        self._record, self._exporter = record, exporter

    def export(self, spans):
        return self._record.write(encode_spans(spans), self._exporter.export(spans))

    def shutdown(self):
        self._exporter.shutdown()


class RecordedLogs(LogRecordExporter):
    def __init__(self, record, exporter):
        self._record, self._exporter = record, exporter

    def export(self, batch):
        return self._record.write(encode_logs(batch), self._exporter.export(batch))

    def force_flush(self, timeout_millis=30000):
        return True

    def shutdown(self):
        self._exporter.shutdown()


class RecordedMetrics(MetricExporter):
    def __init__(self, record, exporter):
        super().__init__(exporter._preferred_temporality, exporter._preferred_aggregation)
        self._record, self._exporter = record, exporter

    def export(self, metrics_data, timeout_millis=10000, **kwargs):
        result = self._exporter.export(metrics_data, timeout_millis, **kwargs)
        return self._record.write(encode_metrics(metrics_data), result)

    def force_flush(self, timeout_millis=10000):
        return True

    def shutdown(self, timeout_millis=30000, **kwargs):
        self._exporter.shutdown(timeout_millis)
