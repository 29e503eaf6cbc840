/**
 * A call as a curl command that makes it again through the proxy.
 *
 * Keys are never in it: the shell's own variables stand in their place, and of the recorded headers only those are taken
 * over that say how the interface is spoken.
 */

import type { LlmCallRow, LlmExchange } from '../api/types';
import type { CallContent, Message, Part } from './llm-message';
import { plainText } from './llm-message';

interface Provider {
  /** The first part of the proxy's path; empty for OpenAI, which needs none. */
  prefix: string;
  /** The header that holds the key, with the variable in its place. */
  key: string;
  /** What the provider's own paths begin with beyond the proxy's. */
  base?: string;
}

const bearer = (name: string) => `authorization: Bearer $${name}`;

/** By OpenTelemetry's name of the provider. */
const PROVIDERS: Record<string, Provider> = {
  openai: { prefix: '', key: bearer('OPENAI_API_KEY') },
  anthropic: { prefix: '/anthropic', key: 'x-api-key: $ANTHROPIC_API_KEY' },
  'gcp.gemini': { prefix: '/gemini', key: 'x-goog-api-key: $GEMINI_API_KEY' },
  'gcp.gen_ai': { prefix: '/gemini', key: 'x-goog-api-key: $GEMINI_API_KEY' },
  groq: { prefix: '/groq', key: bearer('GROQ_API_KEY'), base: '/openai' },
  mistral_ai: { prefix: '/mistral', key: bearer('MISTRAL_API_KEY') },
  cohere: { prefix: '/cohere', key: bearer('COHERE_API_KEY') },
  deepseek: { prefix: '/deepseek', key: bearer('DEEPSEEK_API_KEY') },
  perplexity: { prefix: '/perplexity', key: bearer('PERPLEXITY_API_KEY') },
  x_ai: { prefix: '/xai', key: bearer('XAI_API_KEY') },
  openrouter: { prefix: '/openrouter', key: bearer('OPENROUTER_API_KEY'), base: '/api' },
  together_ai: { prefix: '/together', key: bearer('TOGETHER_API_KEY') },
  fireworks_ai: { prefix: '/fireworks', key: bearer('FIREWORKS_API_KEY'), base: '/inference' },
  'aws.bedrock': { prefix: '/bedrock', key: bearer('AWS_BEARER_TOKEN_BEDROCK') },
  ollama: { prefix: '/ollama', key: '' },
  'azure.ai.openai': { prefix: '/azure', key: 'api-key: $AZURE_OPENAI_API_KEY' },
};
/** Bedrock's own interface is no OpenAI's, and the proxy does not translate for it. */
const OWN_ONLY: readonly string[] = ['aws.bedrock'];

/** Headers that belong to the request itself, rather than to whoever sent it. */
const SPOKEN = ['content-type', 'anthropic-version', 'anthropic-beta', 'openai-beta'];

export interface Replay {
  command: string;
  /** What the reader should know before running it; null where it is what was sent. */
  note: string | null;
}

/** The command, or null where too little of the call is known. */
export function replayCommand(
  call: Pick<LlmCallRow, 'provider' | 'requestModel' | 'responseModel' | 'kind'>,
  content: CallContent,
  exchange: LlmExchange | null,
  proxy: string,
): Replay | null {
  const known = call.provider !== null && Object.hasOwn(PROVIDERS, call.provider);
  const provider = known ? (PROVIDERS[call.provider ?? ''] ?? null) : null;
  if (exchange) return replayExchange(exchange, provider, proxy);
  const model = call.requestModel ?? call.responseModel;
  if (provider === null || model === null || OWN_ONLY.includes(call.provider ?? '')) return null;
  if (call.kind !== 'llm' || content.inputMessages.length === 0) return null;
  return {
    command: curl(
      'POST',
      `${proxy}${provider.prefix}/v1/chat/completions`,
      [provider.key, 'content-type: application/json'],
      JSON.stringify(openAiBody(model, content), null, 2),
    ),
    note: 'The request itself was not recorded: this one is made of what the span tells, as OpenAI’s interface has it.',
  };
}

/** What goes to a provider that the page does not know goes where it went, rather than to somebody else. */
function replayExchange({ request }: LlmExchange, provider: Provider | null, proxy: string): Replay {
  const { method, url, headers, body } = request;
  const spoken = headers.filter(
    ({ name, value }) => SPOKEN.includes(name.toLowerCase()) && !value.includes('\n'),
  );
  const notes = [
    provider === null
      ? 'The proxy’s own address for this provider is not known: this goes to the provider.'
      : '',
    body.startsWith('<') || body.endsWith('…') ? 'The body was not recorded whole.' : '',
  ].filter(Boolean);
  return {
    command: curl(
      method,
      provider === null ? url : proxy + proxyPath(url, provider),
      [provider?.key ?? bearer('API_KEY'), ...spoken.map(headerLine)],
      body,
    ),
    note: notes.join(' ') || null,
  };
}

/** Where the proxy takes what went to a provider's own address. */
export function proxyPath(url: string, provider: Pick<Provider, 'prefix' | 'base'>): string {
  const path =
    url
      .replace(/^[a-z]+:\/\/[^/]*/i, '')
      .replace(/([?&])key=[^&]*&?/g, '$1')
      .replace(/[?&]$/, '') || '/';
  // The proxy's own path may have been recorded.
  if (provider.prefix !== '' && path.startsWith(`${provider.prefix}/`)) return path;
  const own = provider.base && path.startsWith(`${provider.base}/`) ? path.slice(provider.base.length) : path;
  return provider.prefix + own;
}

function headerLine({ name, value }: { name: string; value: string }): string {
  return `${name.toLowerCase()}: ${value}`;
}

function curl(method: string, url: string, headers: readonly string[], body: string): string {
  const lines = [`curl ${quote(url)}`];
  if (method.toUpperCase() !== (body === '' ? 'GET' : 'POST'))
    lines[0] += ` -X ${method.replace(/[^A-Za-z]/g, '')}`;
  for (const header of headers)
    if (header !== '') lines.push(`  -H ${header.includes('$') ? spoken(header) : quote(header)}`);
  if (body !== '') lines.push(`  --data-binary ${quote(body)}`);
  return lines.join(' \\\n');
}

/** As one word of a shell, whatever is in it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The one header with a variable, which the shell fills in; it is ours and holds nothing to escape. */
function spoken(header: string): string {
  return /^[a-z-]+: (Bearer )?\$[A-Z_]+$/.test(header) ? `"${header}"` : quote(header);
}

function openAiBody(model: string, content: CallContent): object {
  const system = plainText(content.systemInstructions);
  const parameters = Object.fromEntries(
    content.parameters.flatMap(({ name, value }) =>
      Object.hasOwn(NAMES, name) ? [[NAMES[name], value]] : [],
    ),
  );
  return {
    model,
    messages: [
      ...(system === '' ? [] : [{ role: 'system', content: system }]),
      ...content.inputMessages.flatMap(openAiMessages),
    ],
    ...(content.toolDefinitions.length > 0 && {
      tools: content.toolDefinitions.map(({ name, description, parameters: schema }) => ({
        type: 'function',
        function: { name, ...(description !== null && { description }), parameters: schema ?? {} },
      })),
    }),
    ...parameters,
  };
}

const NAMES: Record<string, string> = {
  temperature: 'temperature',
  topP: 'top_p',
  maxTokens: 'max_completion_tokens',
  stopSequences: 'stop',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  seed: 'seed',
  choiceCount: 'n',
  reasoningEffort: 'reasoning_effort',
};

function openAiMessages(message: Message): object[] {
  const answers = message.parts.flatMap((part) =>
    part.type === 'tool_call_response'
      ? [{ role: 'tool', tool_call_id: part.id ?? '', content: inText(part.response) }]
      : [],
  );
  const calls = message.parts.flatMap((part) =>
    part.type === 'tool_call'
      ? [
          {
            id: part.id ?? '',
            type: 'function',
            function: { name: part.name, arguments: inText(part.arguments) },
          },
        ]
      : [],
  );
  const said = message.parts.filter((part) => part.type === 'text' || part.type === 'uri').map(openAiPart);
  if (said.length === 0 && calls.length === 0) return answers;
  const only = said.length === 1 && said[0]?.type === 'text' ? said[0].text : said;
  const role = message.role === 'model' ? 'assistant' : message.role;
  return [
    ...answers,
    { role, content: said.length === 0 ? null : only, ...(calls.length > 0 && { tool_calls: calls }) },
  ];
}

function openAiPart(part: Part) {
  if (part.type === 'uri') return { type: 'image_url', image_url: { url: part.uri } } as const;
  return { type: 'text', text: part.type === 'text' ? part.content : '' } as const;
}

function inText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? {});
}
