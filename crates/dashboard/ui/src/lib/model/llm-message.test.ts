import { expect, it } from 'vitest';
import { readContent, readMessages, showJson } from './llm-message';

it.each([null, 7, 'text', [], { inputMessages: 'no list', parameters: [], usage: 'x', tool: 3 }])(
  'takes %j for a call of which nothing is known',
  (detail) => {
    const content = readContent(detail);
    expect(content.inputMessages).toEqual([]);
    expect(content.parameters).toEqual([]);
    expect(content.usage).toEqual({});
  },
);

it('reads every kind of part, and keeps what it does not know as it is', () => {
  const [message] = readMessages([
    {
      role: 'user',
      parts: [
        { type: 'text', content: 'a' },
        { type: 'reasoning', content: '' },
        { type: 'tool_call', name: 'f', arguments: '{broken' },
        { type: 'tool_call_response', response: { ok: true } },
        { type: 'blob', modality: 'image', mimeType: 'image/png', bytes: 5 },
        { type: 'uri', modality: 'image', uri: 'https://example.org/a.png' },
        { type: 'file', modality: 'document', fileId: 'file-1' },
        { type: 'text', content: 7 },
        { strange: true },
        null,
      ],
    },
  ]);
  expect(message?.parts).toEqual([
    { type: 'text', content: 'a' },
    { type: 'reasoning', content: '' },
    { type: 'tool_call', id: null, name: 'f', arguments: '{broken' },
    { type: 'tool_call_response', id: null, name: null, response: { ok: true } },
    { type: 'blob', modality: 'image', mimeType: 'image/png', bytes: 5 },
    { type: 'uri', modality: 'image', mimeType: null, uri: 'https://example.org/a.png' },
    { type: 'file', modality: 'document', mimeType: null, fileId: 'file-1' },
    { type: 'other', value: { type: 'text', content: 7 } },
    { type: 'other', value: { strange: true } },
    { type: 'other', value: null },
  ]);
});

it('tells parameters that only one interface has beside the others', () => {
  const { parameters } = readContent({ parameters: { temperature: 0, other: { logit_bias: { 1: 2 } } } });
  expect(parameters).toEqual([
    { name: 'temperature', value: 0 },
    { name: 'logit_bias', value: { 1: 2 } },
  ]);
});

it('indents JSON, also in a string, and leaves what broke off as it is', () => {
  expect(showJson('{"a":1}')).toEqual({ text: '{\n  "a": 1\n}', isJson: true });
  expect(showJson({ a: 1 }).isJson).toBe(true);
  expect(showJson('{"a":')).toEqual({ text: '{"a":', isJson: false });
  expect(showJson('12')).toEqual({ text: '12', isJson: false });
  expect(showJson(null)).toEqual({ text: '', isJson: false });
});
