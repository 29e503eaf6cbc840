/**
 * The JSON of the hub's API, as the server writes it.
 *
 * 64-bit integers are decimal strings, ids are lower-case hex, attributes have the shape of OTLP/JSON
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
 */

export type AnyValue =
  | { stringValue: string }
  | { boolValue: boolean }
  | { intValue: string | number }
  | { doubleValue: number | string }
  | { arrayValue: { values?: AnyValue[] } }
  | { kvlistValue: { values?: KeyValue[] } }
  | { bytesValue: string }
  | Record<string, never>;

export interface KeyValue {
  key: string;
  value?: AnyValue;
}

export interface TraceSummary {
  traceId: string;
  rootName: string;
  rootService: string;
  startTimeUnixNano: string;
  durationNano: string;
  spanCount: number;
  errorCount: number;
  services: string[];
  /** False while no span without a parent has arrived; `rootName` is then the earliest span's. */
  hasRoot: boolean;
}

export type SpanKind = 'UNSPECIFIED' | 'INTERNAL' | 'SERVER' | 'CLIENT' | 'PRODUCER' | 'CONSUMER';

export interface Resource {
  attributes: KeyValue[];
}

export interface Scope {
  name: string;
  version: string;
  attributes: KeyValue[];
}

export interface SpanEvent {
  timeUnixNano: string;
  name: string;
  attributes: KeyValue[];
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  attributes: KeyValue[];
}

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  name: string;
  kind: SpanKind;
  service: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status: { code: 'UNSET' | 'OK' | 'ERROR'; message: string };
  attributes: KeyValue[];
  resource: Resource;
  scope: Scope;
  events: SpanEvent[];
  links: SpanLink[];
  droppedAttributesCount: number;
  droppedEventsCount?: number;
  droppedLinksCount?: number;
}

export interface LogRecord {
  /** "0" when the source did not say; `observedTimeUnixNano` then tells when it was seen. */
  timeUnixNano: string;
  observedTimeUnixNano: string;
  /** 1 to 24 as in the logs data model, 0 when unset. */
  severityNumber: number;
  severityText: string;
  body: AnyValue | null;
  bodyText: string;
  traceId: string | null;
  spanId: string | null;
  service: string;
  attributes: KeyValue[];
  resource: Resource;
  scope: Scope;
  eventName: string;
}

export type MetricType = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary';

export interface Metric {
  name: string;
  type: MetricType;
  unit: string;
  description: string;
  service: string;
  series: number;
  points: number;
  lastTimeUnixNano: string;
  lastValue: number | null;
  temporality: 'unspecified' | 'delta' | 'cumulative';
  monotonic: boolean;
}

export interface TracePage {
  traces: TraceSummary[];
  nextCursor: string | null;
}

export interface Trace {
  traceId: string;
  spans: Span[];
  /** There are more spans than one answer holds. */
  truncated?: boolean;
}

export interface LogPage {
  logs: LogRecord[];
  nextCursor: string | null;
}

export interface Listener {
  component: string;
  protocol: string;
  address: string;
  tls: boolean;
}

export interface ExporterStatus {
  id: string;
  destination: string;
  /** Where it was configured: a file, a variable. */
  from: string;
  state: 'idle' | 'healthy' | 'failing';
  lastError: string | null;
  queueSize: number;
  queueCapacity: number;
  sentItems: number;
  failedItems: number;
  droppedItems: number;
}

export interface PipelineStatus {
  id: string;
  receivers: string[];
  processors: string[];
  exporters: string[];
}

export interface Status {
  version: string;
  uptimeSeconds: number;
  dataDir: string;
  storeBytes: number;
  listening: Listener[];
  exporters: ExporterStatus[];
  pipelines: PipelineStatus[];
  counts: { spans: number; logs: number; points: number };
}

export interface ErrorBody {
  error: { message: string; hint?: string | null };
}
