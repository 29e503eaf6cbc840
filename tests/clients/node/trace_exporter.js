// The OpenTelemetry JS SDK with its OTLP/HTTP exporter: node trace_exporter.js URL RECORD
//
// Writes what was acknowledged to RECORD, as the SDK's own serializer encodes it, one OTLP/JSON request a line.

const fs = require("node:fs");
const { SpanKind, SpanStatusCode, trace } = require("@opentelemetry/api");
const { ExportResultCode } = require("@opentelemetry/core");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-http");
const { JsonTraceSerializer } = require("@opentelemetry/otlp-transformer");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchSpanProcessor, NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");

const [url, record] = process.argv.slice(2);

const exporter = new OTLPTraceExporter({ url });

const recorded = {
  export(spans, done) {
    exporter.export(spans, (result) => {
      if (result.code === ExportResultCode.SUCCESS) {
        fs.appendFileSync(record, Buffer.from(JsonTraceSerializer.serializeRequest(spans)).toString() + "\n");
      } else {
        console.error("not acknowledged:", result.error);
        process.exitCode = 1;
      }
      done(result);
    });
  },
  forceFlush: () => exporter.forceFlush(),
  shutdown: () => exporter.shutdown(),
};

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "js-shop", "service.version": "3.1" }),
  spanProcessors: [new BatchSpanProcessor(recorded)],
});
provider.register();

const tracer = trace.getTracer("shop", "1.0");
tracer.startActiveSpan("GET /cart", { kind: SpanKind.SERVER }, (server) => {
  server.setAttributes({ "http.request.method": "GET", size: 3, ratio: 0.25, cached: false, tags: ["a", "b"], note: "Grüße 🦀" });
  tracer.startActiveSpan("SELECT carts", { kind: SpanKind.CLIENT }, (client) => {
    client.addEvent("slow", { rows: 12 });
    client.recordException(new Error("connection lost"));
    client.setStatus({ code: SpanStatusCode.ERROR, message: "connection lost" });
    client.end();
  });
  server.end();
});

provider.shutdown();
