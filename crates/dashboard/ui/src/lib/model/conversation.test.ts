import { describe, expect, it } from 'vitest';
import { findEntries, readConversation, readTurns, speaker } from './conversation';
import { readMessages } from './llm-message';

const text = (role: string, content: string) => ({ role, parts: [{ type: 'text', content }] });
const call = (id: string | null, name: string, args: unknown = {}) => ({
  role: 'assistant',
  parts: [{ type: 'tool_call', id, name, arguments: args }],
});
const result = (id: string | null, response: unknown, name?: string) => ({
  role: 'tool',
  parts: [{ type: 'tool_call_response', id, response, name }],
});
const read = (...messages: unknown[]) => readConversation(readMessages(messages), []);
const tools = (entries: ReturnType<typeof read>) =>
  entries.flatMap(({ items }) =>
    items.map((item) =>
      item.kind === 'tool' ? [item.call.name, item.result?.response ?? null] : [item.kind],
    ),
  );

describe('answers of tools', () => {
  it('stand with their calls, in whatever order they came', () => {
    const entries = read(
      { role: 'assistant', parts: [...call('1', 'a').parts, ...call('2', 'b').parts] },
      result('2', 'second'),
      result('1', 'first'),
    );
    expect(entries).toHaveLength(1);
    expect(tools(entries)).toEqual([
      ['a', 'first'],
      ['b', 'second'],
    ]);
  });

  it('without ids go to the earliest call of that name that waits', () => {
    const entries = read(
      call(null, 'a'),
      call(null, 'b'),
      call(null, 'a'),
      result(null, 1, 'b'),
      result(null, 2, 'a'),
    );
    expect(tools(entries)).toEqual([
      ['a', 2],
      ['b', 1],
      ['a', null],
    ]);
  });

  it('stay where they are when nobody asked, or when they come twice', () => {
    const entries = read(result('9', 'lost'), call('1', 'a'), result('1', 'once'), result('1', 'again'));
    expect(tools(entries)).toEqual([['result'], ['a', 'once'], ['result']]);
    expect(entries.map(({ index }) => index)).toEqual([0, 1, 3]);
  });

  it('of a later turn stand with the call of the earlier one', () => {
    const turns = readTurns([
      { read: readMessages([text('user', 'weather?')]), answered: readMessages([call('1', 'weather')]) },
      { read: readMessages([result('1', 'rain')]), answered: readMessages([text('assistant', 'It rains.')]) },
    ]);
    expect(turns.map((entries) => entries.map(({ role, isAnswer }) => [role, isAnswer]))).toEqual([
      [
        ['user', false],
        ['assistant', true],
      ],
      [['assistant', true]],
    ]);
    expect(tools(turns[0]!)).toEqual([['part'], ['weather', 'rain']]);
  });
});

it('keeps a message that says nothing, since it was sent', () => {
  expect(read({ role: 'assistant', parts: [] })).toHaveLength(1);
});

it('finds text in what was said, asked of tools and answered by them', () => {
  const entries = read(
    text('user', 'Hello'),
    call('1', 'search', { query: 'NEEDLE' }),
    result('1', { hit: 'hay' }),
  );
  const roles = (needle: string) => findEntries(entries, needle).map(({ role }) => role);
  expect(roles(' hello ')).toEqual(['user']);
  expect(roles('needle')).toEqual(['assistant']);
  expect(roles('hay')).toEqual(['assistant']);
  expect(roles('')).toEqual(['user', 'assistant']);
});

it('names speakers, and leaves roles of its own making alone', () => {
  expect(speaker({ role: 'model', name: null })).toBe('Assistant');
  expect(speaker({ role: 'user', name: 'ann' })).toBe('User · ann');
  expect(speaker({ role: 'constructor', name: null })).toBe('constructor');
});

it('pairs five thousand messages at once', () => {
  const messages = Array.from({ length: 2_500 }, (_, index) => [
    call(`${index}`, 'a'),
    result(`${index}`, index),
  ]).flat();
  const start = performance.now();
  expect(read(...messages)).toHaveLength(2_500);
  expect(performance.now() - start).toBeLessThan(1_000);
});
