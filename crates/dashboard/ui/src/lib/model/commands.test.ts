import { expect, it } from 'vitest';
import { findCommands } from './commands';

const titles = (text: string) => findCommands(text, ['checkout', 'web']).map(({ title }) => title);

it('offers every page and service at first', () => {
  expect(titles('')).toEqual(
    expect.arrayContaining(['Live', 'SQL', 'checkout', 'web: logs', 'Keyboard help']),
  );
});

it('puts what begins with the text first, and searches last', () => {
  const found = titles('s');
  expect(found[0]).toBe('Services');
  expect(found.slice(-4)).toEqual(
    ['traces', 'logs', 'LLM calls', 'sessions'].map((what) => `Search ${what} for “s”`),
  );
});

it('takes words in any order', () => {
  expect(titles('logs check')[0]).toBe('checkout: logs');
});

it('opens a trace by its id, however it was typed', () => {
  expect(findCommands(` ${'AB'.repeat(16)} `, [])).toEqual([
    { title: `Trace ${'ab'.repeat(16)}`, hint: 'open', href: `/traces/${'ab'.repeat(16)}` },
  ]);
});
