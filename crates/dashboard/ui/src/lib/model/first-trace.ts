/** What a page without data tells its reader: where to send, with a command that works as it stands. */

import type { Listener } from '../api/types';

/** The base URL for OTLP over HTTP: a receiver's own address, or the dashboard's, which takes OTLP as well. */
export function otlpHttpBase(listening: readonly Listener[], origin: string): string {
  const receiver = listening.find(
    (listener) => speaks(listener, 'OTLP/HTTP') && listener.component.startsWith('otlp'),
  );
  return receiver ? `${receiver.tls ? 'https' : 'http'}://${reachable(receiver.address)}` : origin;
}

/** The address for OTLP over gRPC, where a receiver listens for it. */
export function otlpGrpcAddress(listening: readonly Listener[]): string | null {
  const receiver = listening.find((listener) => speaks(listener, 'OTLP/gRPC'));
  return receiver ? reachable(receiver.address) : null;
}

function speaks(listener: Listener, protocol: string): boolean {
  return listener.protocol.toLowerCase() === protocol.toLowerCase();
}

/** A wildcard address is where the hub listens, not where one can send. */
export function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]|::)(?=:\d+$)/, '127.0.0.1');
}

export function curlSnippet(base: string, request: object): string {
  return `curl ${base}/v1/traces -H 'content-type: application/json' -d '${JSON.stringify(request)}'`;
}

export interface ExampleIds {
  traceId: string;
  spanIds: [string, string];
}

/** An OTLP/JSON request of two spans that ended just now. */
export function exampleRequest(ids: ExampleIds, nowMs: number): object {
  const at = (ms: number) => `${BigInt(Math.round(nowMs + ms)) * 1_000_000n}`;
  const [root, child] = ids.spanIds;
  return {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'hello' } }] },
        scopeSpans: [
          {
            spans: [
              span(ids.traceId, root, 'say hello', at(-120), at(0)),
              { ...span(ids.traceId, child, 'find the words', at(-100), at(-30)), parentSpanId: root },
            ],
          },
        ],
      },
    ],
  };
}

function span(traceId: string, spanId: string, name: string, start: string, end: string) {
  return { traceId, spanId, name, kind: 1, startTimeUnixNano: start, endTimeUnixNano: end };
}

/** Random ids from the caller's source of random bytes. */
export function exampleIds(randomBytes: (length: number) => Uint8Array): ExampleIds {
  const id = (length: number) =>
    Array.from(randomBytes(length), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { traceId: id(16), spanIds: [id(8), id(8)] };
}
