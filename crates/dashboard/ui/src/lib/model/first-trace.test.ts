import { describe, expect, it } from 'vitest';
import { curlSnippet, exampleIds, exampleRequest, otlpGrpcAddress, otlpHttpBase } from './first-trace';

describe('otlpHttpBase', () => {
  const listener = (component: string, protocol: string, address: string, tls = false) => ({
    component,
    protocol,
    address,
    tls,
  });

  it('is the address of the OTLP receiver', () => {
    const listening = [
      listener('otlp', 'OTLP/gRPC', '127.0.0.1:4317'),
      listener('otlp', 'OTLP/HTTP', '127.0.0.1:4318'),
    ];
    expect(otlpHttpBase(listening, 'http://localhost:3000')).toBe('http://127.0.0.1:4318');
  });

  it('is an address that one can send to', () => {
    expect(otlpHttpBase([listener('otlp/in', 'OTLP/HTTP', '0.0.0.0:4318', true)], '')).toBe(
      'https://127.0.0.1:4318',
    );
    expect(otlpHttpBase([listener('otlp', 'OTLP/HTTP', '[::]:4318')], '')).toBe('http://127.0.0.1:4318');
  });

  it('is not the dashboard while a receiver of its own takes HTTP', () => {
    const listening = [
      listener('dashboard', 'OTLP/HTTP', '127.0.0.1:3000'),
      listener('otlp', 'OTLP/HTTP', '127.0.0.1:4318'),
    ];
    expect(otlpHttpBase(listening, '')).toBe('http://127.0.0.1:4318');
    expect(otlpGrpcAddress(listening)).toBeNull();
  });

  it('is the page itself where no receiver takes HTTP', () => {
    expect(otlpHttpBase([], 'http://localhost:3000')).toBe('http://localhost:3000');
  });
});

it('gives a request with valid ids and one tree', () => {
  const ids = exampleIds((length) => new Uint8Array(length).fill(10));
  expect(ids).toEqual({ traceId: '0a'.repeat(16), spanIds: ['0a'.repeat(8), '0a'.repeat(8)] });
  const request = JSON.stringify(exampleRequest(ids, 1_000));
  expect(request).toContain('"endTimeUnixNano":"1000000000"');
  expect(curlSnippet('http://h:1', {})).toBe(
    "curl http://h:1/v1/traces -H 'content-type: application/json' -d '{}'",
  );
});
