import { expect, it } from 'vitest';
import { snippets } from './snippets';

const all = snippets('http://127.0.0.1:5318', "curl http://127.0.0.1:5318/v1/traces -d '{}'");

it.each(all.map((snippet) => [snippet.title, snippet] as const))(
  '%s says where this hub listens',
  (_, { steps }) => {
    expect(steps.some(({ code }) => code.includes('http://127.0.0.1:5318'))).toBe(true);
    expect(steps.every(({ text, code }) => text.endsWith(':') && code !== '')).toBe(true);
  },
);

it('knows each language once', () => {
  expect(new Set(all.map(({ id }) => id))).toEqual(new Set(['rust', 'python', 'node', 'go', 'java', 'curl']));
});
