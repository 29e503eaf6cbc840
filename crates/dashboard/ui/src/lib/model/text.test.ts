import { expect, it } from 'vitest';
import { inOneLine, sentence } from './text';

it.each([
  ['there is no trace', 'There is no trace'],
  ['otlphttp/jaeger failed', 'otlphttp/jaeger failed'],
  ['401 from the backend', '401 from the backend'],
  ['', ''],
])('%s becomes %s', (text, expected) => {
  expect(sentence(text)).toBe(expected);
});

it('joins what happened and what to do', () => {
  expect(inOneLine('the store is locked', 'stop the other hub')).toBe(
    'The store is locked. Stop the other hub',
  );
  expect(inOneLine('it failed.', null)).toBe('It failed.');
});
