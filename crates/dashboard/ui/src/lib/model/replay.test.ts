import { describe, expect, it } from 'vitest';
import { readContent } from './llm-message';
import { proxyPath, quote, replayCommand } from './replay';
import { call } from './test-data';

const PROXY = 'http://127.0.0.1:8080';
const nothing = readContent({});
const exchange = (url: string, headers: Record<string, string>, body: string, method = 'POST') => ({
  request: {
    method,
    url,
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    body,
  },
  response: { status: 200, headers: [], body: '', truncated: false },
});

describe('a recorded request', () => {
  it('goes to the proxy with the key in a variable, and never with a recorded one', () => {
    const recorded = exchange(
      'https://api.anthropic.com/v1/messages?beta=true',
      { 'X-Api-Key': 'sk-ant-secret', cookie: 'a=b', 'anthropic-version': '2023-06-01', 'user-agent': 'x' },
      `{"text":"it's $HOME"}`,
    );
    const replay = replayCommand(call('1', { provider: 'anthropic' }), nothing, recorded, PROXY);
    expect(replay?.command).toBe(
      [
        `curl 'http://127.0.0.1:8080/anthropic/v1/messages?beta=true'`,
        `  -H "x-api-key: $ANTHROPIC_API_KEY"`,
        `  -H 'anthropic-version: 2023-06-01'`,
        `  --data-binary '{"text":"it'\\''s $HOME"}'`,
      ].join(' \\\n'),
    );
  });

  it('cannot smuggle anything into the shell', () => {
    const recorded = exchange(
      "https://api.openai.com/v1/x';rm -rf ~;'",
      { 'content-type': '$(reboot)' },
      "';reboot;'",
      'POST;reboot',
    );
    const command = replayCommand(call('1', { provider: 'openai' }), nothing, recorded, PROXY)?.command ?? '';
    const unquoted = command.replaceAll(`'\\''`, '').replace(/'[^']*'/g, '');
    expect(unquoted).not.toMatch(/reboot\b.*;|rm -rf|\$\(/);
    expect(command).toContain('-X POSTreboot');
  });

  it('to a provider that the page does not know goes where it went, and to nobody else', () => {
    const recorded = exchange('https://llm.corp.example/v1/chat/completions', {}, '{}');
    const replay = replayCommand(call('1', { provider: 'corp' }), nothing, recorded, PROXY);
    expect(replay?.command).toContain(`curl 'https://llm.corp.example/v1/chat/completions'`);
    expect(replay?.command).toContain('"authorization: Bearer $API_KEY"');
    expect(replay?.note).toMatch(/not known/);
  });

  it.each([
    ['https://api.openai.com/v1/responses', { prefix: '' }, '/v1/responses'],
    ['https://api.groq.com/openai/v1/chat/completions', { prefix: '/groq', base: '/openai' }, '/groq/v1/chat/completions'],
    ['http://127.0.0.1:8080/anthropic/v1/messages', { prefix: '/anthropic' }, '/anthropic/v1/messages'],
    ['https://generativelanguage.googleapis.com/v1beta/models/g:generateContent?key=SECRET&alt=sse', { prefix: '/gemini' }, '/gemini/v1beta/models/g:generateContent?alt=sse'],
    ['https://generativelanguage.googleapis.com/v1beta/models?key=SECRET', { prefix: '/gemini' }, '/gemini/v1beta/models'],
    ['https://api.openai.com', { prefix: '' }, '/'],
  ])('of %s goes along the path of the proxy', (url, provider, path) => {
    expect(proxyPath(url, provider)).toBe(path);
  }); // prettier-ignore
});

describe('a request that was not recorded', () => {
  const content = readContent({
    systemInstructions: [{ type: 'text', content: 'Be brief.' }],
    inputMessages: [
      { role: 'user', parts: [{ type: 'text', content: 'Weather?' }] },
      {
        role: 'assistant',
        parts: [{ type: 'tool_call', id: 'c1', name: 'weather', arguments: { city: 'Oslo' } }],
      },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'rain' }] },
    ],
    toolDefinitions: [{ name: 'weather', parameters: { type: 'object' } }],
    parameters: { temperature: 0, maxTokens: 9, other: { secret_thing: 1 } },
  });

  it('is made of what the span tells, and says so', () => {
    const replay = replayCommand(
      call('1', { provider: 'openai', requestModel: 'gpt-4o' }),
      content,
      null,
      PROXY,
    );
    const body = /--data-binary '(.*)'$/s.exec(replay?.command ?? '')?.[1] ?? '';
    expect(replay?.command).toContain(`curl 'http://127.0.0.1:8080/v1/chat/completions'`);
    expect(replay?.note).toMatch(/not recorded/);
    expect(JSON.parse(body)).toEqual({
      model: 'gpt-4o',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'rain' },
      ],
      tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
      temperature: 0,
      max_completion_tokens: 9,
    });
  });

  it('cannot be made where nothing was recorded, or of what is no chat', () => {
    expect(replayCommand(call('1', { requestModel: 'gpt-4o' }), nothing, null, PROXY)).toBeNull();
    expect(
      replayCommand(call('1', { requestModel: 'x', kind: 'embedding' }), content, null, PROXY),
    ).toBeNull();
  });
});

it('quotes for the shell', () => {
  expect(quote(`a'b"$c\n`)).toBe(`'a'\\''b"$c\n'`);
});
