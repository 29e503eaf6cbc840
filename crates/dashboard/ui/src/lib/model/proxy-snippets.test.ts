import { expect, it } from 'vitest';
import type { Listener } from '../api/types';
import { proxyBase, proxySnippets } from './proxy-snippets';

const listener = (component: string, address: string): Listener => ({
  component,
  address,
  protocol: 'HTTP',
  tls: false,
});

it('knows the proxy by its type, and where it can be reached', () => {
  expect(proxyBase([listener('otlp', '127.0.0.1:4318')])).toBeNull();
  expect(proxyBase([listener('otlp', '127.0.0.1:4318'), listener('llm_proxy', '0.0.0.0:18080')])).toBe(
    'http://127.0.0.1:18080',
  );
  expect(proxyBase([{ ...listener('llm_proxy/second', '[::]:9'), tls: true }])).toBe('https://127.0.0.1:9');
});

it('has the address in every way that needs one, and a key in none', () => {
  for (const { id, steps } of proxySnippets('http://hub:1')) {
    const code = steps.map((step) => step.code).join('\n');
    if (id !== 'claude-code') expect(code).toContain('http://hub:1/');
    expect(code).not.toMatch(/sk-/);
  }
});
