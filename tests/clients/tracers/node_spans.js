// OpenTelemetry JS with an exporter that does not speak OTLP: node node_spans.js zipkin URL | thrift_http URL | thrift_binary PORT

const { SpanKind, SpanStatusCode, trace } = require("@opentelemetry/api");
const { BasicTracerProvider, SimpleSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { Resource } = require("@opentelemetry/resources");

const [kind, to] = process.argv.slice(2);

function exporter() {
  if (kind === "zipkin") {
    const { ZipkinExporter } = require("@opentelemetry/exporter-zipkin");
    return new ZipkinExporter({ url: to, serviceName: "shop" });
  }
  const { JaegerExporter } = require("@opentelemetry/exporter-jaeger");
  return new JaegerExporter(kind === "thrift_http" ? { endpoint: to } : { host: "127.0.0.1", port: Number(to) });
}

const provider = new BasicTracerProvider({
  resource: new Resource({ "service.name": "shop", "service.version": "1.2" }),
});
provider.addSpanProcessor(new SimpleSpanProcessor(exporter()));

const tracer = provider.getTracer("cart", "1.0");
const server = tracer.startSpan("GET /cart", { kind: SpanKind.SERVER });
server.setAttributes({ size: 3, ratio: 0.25, cached: false, note: "Grüße 🦀" });
const client = tracer.startSpan("SELECT carts", { kind: SpanKind.CLIENT }, trace.setSpan(require("@opentelemetry/api").ROOT_CONTEXT, server));
client.addEvent("slow", { rows: 12 });
client.setStatus({ code: SpanStatusCode.ERROR, message: "connection lost" });
client.end();
server.end();

provider.forceFlush().then(() => provider.shutdown());
