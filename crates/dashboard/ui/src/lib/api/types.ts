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
  /** The attribute `logfire.msg` of the root span: its name with the arguments filled in. */
  rootMessage: string | null;
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
  attributeKeys: string[];
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
  retriedItems?: number;
  dropped?: { cause: string; items: number }[];
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

export interface Operation {
  service: string;
  operation: string;
  spanCount: number;
  errorCount: number;
  p50Nano: string;
  p95Nano: string;
  p99Nano: string;
}

export interface ServiceRed {
  service: string;
  spanCount: number;
  errorCount: number;
  p50Nano: string;
  p95Nano: string;
  p99Nano: string;
  /** One a bin, as are `errors` and `p95`. */
  counts: number[];
  errors: number[];
  p95: string[];
}

export interface Overview {
  stepNano: string;
  services: ServiceRed[];
}

export interface Red {
  startNano: string;
  stepNano: string;
  counts: number[];
  errors: number[];
  p50Nano: string[];
  p95Nano: string[];
  p99Nano: string[];
}

export interface ServiceMap {
  nodes: ServiceMapNode[];
  edges: ServiceMapEdge[];
}

export interface ServiceMapNode {
  service: string;
  spanCount: number;
  errorCount: number;
}

export interface ServiceMapEdge {
  from: string;
  to: string;
  callCount: number;
  errorCount: number;
  p95Nano: string;
}

export interface RateBin {
  count: number;
  errors: number;
  /** Logs only: trace, debug, info, warn, error, fatal. */
  severities?: number[];
}

export interface Rate {
  startNano: string;
  stepNano: string;
  bins: RateBin[];
}

export interface FacetValue {
  value: string;
  count: number;
}

export interface LogFacets {
  services: FacetValue[];
  severities: FacetValue[];
  scopes: FacetValue[];
  attributes: { key: string; values: FacetValue[] }[];
  /** Counted over the newest matches only. */
  sampled: boolean;
}

export type Aggregation = 'auto' | 'avg' | 'sum' | 'min' | 'max' | 'rate' | 'p50' | 'p95' | 'p99' | 'count';

export interface MetricSeries {
  labels: Record<string, string>;
  values: (number | null)[];
}

export interface Exemplar {
  timeUnixNano: string;
  value: number;
  traceId: string;
  spanId: string;
}

export interface MetricData {
  name: string;
  type: MetricType;
  unit: string;
  startNano: string;
  stepNano: string;
  series: MetricSeries[];
  /** Counts by bin of time, then by bucket; bucket `n` ends at `bounds[n]`, the last has no end. */
  heatmap: { bounds: number[]; counts: number[][] } | null;
  exemplars: Exemplar[];
  truncated: boolean;
}

export interface ErrorGroup {
  id: string;
  type: string;
  place: string;
  message: string;
  service: string;
  count: number;
  firstNano: string;
  lastNano: string;
  counts: number[];
  exampleTraceIds: string[];
  stepNano: string;
}

export interface Profile {
  id: string;
  service: string;
  timeUnixNano: string;
  durationNano: string;
  sampleType: string;
  unit: string;
  sampleCount: number;
}

export interface FlameNode {
  name: string;
  file: string | null;
  line: number | null;
  self: string;
  total: string;
  children: FlameNode[];
}

export interface ProfileTree {
  unit: string;
  root: FlameNode;
}

export type SqlValue = string | number | null;

export interface SqlResult {
  columns: string[];
  rows: SqlValue[][];
  truncated: boolean;
  elapsedMs: number;
}

export interface SqlView {
  name: string;
  description: string;
  columns: { name: string; type: string; description: string }[];
}

export interface SavedView {
  id: string;
  name: string;
  page: string;
  query: string;
}

export interface TestOutcome {
  outcome: string;
  detail: string;
}
