/** A conversation as it is read: what each said, and each tool's answer with the call that asked for it. */

import type { Message, Part, ToolCall, ToolResponse } from './llm-message';

export type Item =
  | { kind: 'part'; part: Exclude<Part, ToolCall | ToolResponse> }
  | { kind: 'tool'; call: ToolCall; result: ToolResponse | null }
  /** An answer to a call that is not here. */
  | { kind: 'result'; result: ToolResponse };

export interface Entry {
  /** The place of the message among all, from 0. */
  index: number;
  role: string;
  name: string | null;
  items: Item[];
  finishReason: string | null;
  /** The model said it in this call, rather than read it. */
  isAnswer: boolean;
}

/** A message with where it stood. */
export interface Said {
  message: Message;
  isAnswer: boolean;
}

/** What a call read, and then what the model answered. */
export function readConversation(read: readonly Message[], answered: readonly Message[]): Entry[] {
  return readMessages([
    ...read.map((message) => ({ message, isAnswer: false })),
    ...answered.map((message) => ({ message, isAnswer: true })),
  ]);
}

/**
 * The messages in order. Answers of tools stand with their calls: by id or, where one has none, the earliest call of that
 * name that still waits. A message of nothing but such answers has no entry of its own.
 */
export function readMessages(said: readonly Said[]): Entry[] {
  const waiting = new Waiting();
  const entries: Entry[] = [];
  said.forEach(({ message, isAnswer }, index) => {
    const items = message.parts.flatMap((part): Item[] => {
      if (part.type === 'tool_call') return [waiting.ask(part)];
      if (part.type !== 'tool_call_response') return [{ kind: 'part', part }];
      return waiting.answer(part) ? [] : [{ kind: 'result', result: part }];
    });
    if (items.length === 0 && message.parts.length > 0) return;
    const { role, name, finishReason } = message;
    entries.push({ index, role, name, items, finishReason, isAnswer });
  });
  return entries;
}

/** A session's entries turn by turn. A tool's answer, which the next turn reads, stands with the call of the turn before. */
export function readTurns(
  turns: readonly { read: readonly Message[]; answered: readonly Message[] }[],
): Entry[][] {
  const said: Said[] = [];
  const turnOf: number[] = [];
  turns.forEach(({ read, answered }, turn) => {
    for (const message of read) said.push({ message, isAnswer: false });
    for (const message of answered) said.push({ message, isAnswer: true });
    while (turnOf.length < said.length) turnOf.push(turn);
  });
  const entries = turns.map((): Entry[] => []);
  for (const entry of readMessages(said)) entries[turnOf[entry.index] ?? 0]?.push(entry);
  return entries;
}

type Asked = Extract<Item, { kind: 'tool' }>;

/** Calls of tools that have no answer yet. */
class Waiting {
  readonly #byId = new Map<string, Asked>();
  readonly #inOrder = new Set<Asked>();

  ask(call: ToolCall): Asked {
    const asked: Asked = { kind: 'tool', call, result: null };
    if (call.id !== null) this.#byId.set(call.id, asked);
    this.#inOrder.add(asked);
    return asked;
  }

  answer(result: ToolResponse): boolean {
    const asked = result.id === null ? this.#earliest(result.name) : this.#byId.get(result.id);
    if (!asked || asked.result !== null) return false;
    asked.result = result;
    this.#inOrder.delete(asked);
    return true;
  }

  #earliest(name: string | null): Asked | undefined {
    for (const asked of this.#inOrder) {
      if (asked.call.id === null && (name === null || asked.call.name === name)) return asked;
    }
    return undefined;
  }
}

/** Who spoke, in a word for the reader. */
export function speaker(entry: Pick<Entry, 'role' | 'name'>): string {
  const known: Record<string, string> = {
    user: 'User',
    assistant: 'Assistant',
    model: 'Assistant',
    system: 'System',
    developer: 'Developer',
    tool: 'Tool',
  };
  const role = Object.hasOwn(known, entry.role) ? known[entry.role] : entry.role;
  return entry.name ? `${role} · ${entry.name}` : (role ?? entry.role);
}

/** Entries that hold a text, its case ignored. */
export function findEntries(entries: readonly Entry[], text: string): Entry[] {
  const needle = text.trim().toLowerCase();
  if (needle === '') return [...entries];
  return entries.filter((entry) => entry.items.some((item) => itemText(item).toLowerCase().includes(needle)));
}

/** What an item says, for searching and copying. */
export function itemText(item: Item): string {
  if (item.kind === 'tool')
    return [item.call.name, inText(item.call.arguments), inText(item.result?.response)].join(' ');
  if (item.kind === 'result') return `${item.result.name ?? ''} ${inText(item.result.response)}`;
  const { part } = item;
  if (part.type === 'text' || part.type === 'reasoning') return part.content;
  return inText(part.type === 'other' ? part.value : part);
}

function inText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
