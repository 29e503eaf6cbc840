/**
 * What was said in a call, as the hub's normal form tells it. That is an open object of whatever a recorder wrote:
 * everything here takes any JSON and leaves out what is not what it should be.
 */

export interface ToolCall {
  type: 'tool_call';
  id: string | null;
  name: string;
  arguments: unknown;
}

export interface ToolResponse {
  type: 'tool_call_response';
  id: string | null;
  name: string | null;
  response: unknown;
}

interface Medium {
  /** `image`, `audio`, `video` or `document`. */
  modality: string;
  mimeType: string | null;
}

/** A part of what was said. Pictures, sound and files are named, never held. */
export type Part =
  | { type: 'text'; content: string }
  | { type: 'reasoning'; content: string }
  | ToolCall
  | ToolResponse
  | ({ type: 'blob'; bytes: number } & Medium)
  | ({ type: 'uri'; uri: string } & Medium)
  | ({ type: 'file'; fileId: string } & Medium)
  | { type: 'other'; value: unknown };

export interface Message {
  role: string;
  name: string | null;
  parts: Part[];
  finishReason: string | null;
}

export interface ToolDefinition {
  name: string;
  type: string | null;
  description: string | null;
  parameters: unknown;
}

/** A tool that ran, where the span is of that. */
export interface ToolRun {
  name: string;
  arguments: unknown;
  result: unknown;
}

export interface CallContent {
  kind: string;
  systemInstructions: Part[];
  inputMessages: Message[];
  outputMessages: Message[];
  toolDefinitions: ToolDefinition[];
  tool: ToolRun | null;
  /** How the model was to answer, by name. */
  parameters: { name: string; value: unknown }[];
  metadata: { name: string; value: unknown }[];
  /** Tokens by what they are, such as `audioInputTokens`; zeros are left out. */
  usage: Record<string, number>;
  responseId: string | null;
  serviceTier: string | null;
  /** Something was too large to be kept whole. */
  truncated: boolean;
}

type Json = Record<string, unknown>;

export function readContent(detail: unknown): CallContent {
  const call = object(detail);
  const { other, ...named } = object(call['parameters']);
  const tool = object(call['tool']);
  return {
    kind: text(call['kind']) ?? 'llm',
    systemInstructions: list(call['systemInstructions']).map(readPart),
    inputMessages: readMessages(call['inputMessages']),
    outputMessages: readMessages(call['outputMessages']),
    toolDefinitions: list(call['toolDefinitions']).map(readDefinition),
    tool: call['tool']
      ? {
          name: text(tool['name']) ?? 'unnamed',
          arguments: tool['arguments'] ?? null,
          result: tool['result'] ?? null,
        }
      : null,
    parameters: pairs({ ...named, ...object(other) }),
    metadata: pairs(object(call['metadata'])),
    usage: Object.fromEntries(
      Object.entries(object(call['usage'])).filter(
        (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0,
      ),
    ),
    responseId: text(call['responseId']),
    serviceTier: text(call['serviceTier']),
    truncated: call['truncated'] === true,
  };
}

export function readMessages(value: unknown): Message[] {
  return list(value).map((one) => {
    const message = object(one);
    return {
      role: text(message['role']) ?? 'unknown',
      name: text(message['name']),
      parts: list(message['parts']).map(readPart),
      finishReason: text(message['finishReason']),
    };
  });
}

function readPart(value: unknown): Part {
  const part = object(value);
  const medium = { modality: text(part['modality']) ?? 'file', mimeType: text(part['mimeType']) };
  switch (part['type']) {
    case 'text':
    case 'reasoning':
      if (typeof part['content'] !== 'string') break;
      return { type: part['type'], content: part['content'] };
    case 'tool_call':
      return {
        type: 'tool_call',
        id: text(part['id']),
        name: text(part['name']) ?? 'unnamed',
        arguments: part['arguments'] ?? null,
      };
    case 'tool_call_response':
      return {
        type: 'tool_call_response',
        id: text(part['id']),
        name: text(part['name']),
        response: part['response'] ?? null,
      };
    case 'blob':
      return { type: 'blob', bytes: typeof part['bytes'] === 'number' ? part['bytes'] : 0, ...medium };
    case 'uri':
      if (typeof part['uri'] !== 'string') break;
      return { type: 'uri', uri: part['uri'], ...medium };
    case 'file':
      return { type: 'file', fileId: text(part['fileId']) ?? '', ...medium };
  }
  return { type: 'other', value };
}

function readDefinition(value: unknown): ToolDefinition {
  const tool = object(value);
  return {
    name: text(tool['name']) ?? 'unnamed',
    type: text(tool['type']),
    description: text(tool['description']),
    parameters: tool['parameters'] ?? null,
  };
}

/** What somebody said, as plain text; tools and media are left out. */
export function plainText(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.type === 'text' ? [part.content] : [])).join('\n');
}

export interface Shown {
  text: string;
  /** It is JSON, indented. Otherwise it is text as it was recorded, which may be JSON that broke off. */
  isJson: boolean;
}

/** A value for reading: JSON indented, also where it is held by a string; everything else as it is. */
export function showJson(value: unknown): Shown {
  if (value === null || value === undefined) return { text: '', isJson: false };
  if (typeof value !== 'string') return { text: JSON.stringify(value, null, 2), isJson: true };
  if (!/^\s*[[{]/.test(value)) return { text: value, isJson: false };
  try {
    return { text: JSON.stringify(JSON.parse(value), null, 2), isJson: true };
  } catch {
    return { text: value, isJson: false };
  }
}

function pairs(values: Json): { name: string; value: unknown }[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
