/**
 * Markdown as a tree that components draw, so that no text of a model ever becomes HTML.
 *
 * HTML in it stays text. Links lead to `http`, `https` and `mailto` alone; what else looks like one stays text. Pictures
 * are links: nothing is fetched from anywhere. Parsing is markdown-it's, whose time does not explode, and too long or too
 * deep a text is not parsed at all.
 */

import MarkdownIt from 'markdown-it';
import type { Token } from 'markdown-it';

export type Inline =
  | { type: 'text'; text: string }
  | { type: 'code'; text: string }
  | { type: 'break' }
  | { type: 'strong'; children: Inline[] }
  | { type: 'emphasis'; children: Inline[] }
  | { type: 'deleted'; children: Inline[] }
  | { type: 'link'; href: string; children: Inline[] }
  | { type: 'image'; href: string; alt: string };

export type Block =
  | { type: 'paragraph'; children: Inline[] }
  | { type: 'heading'; level: number; children: Inline[] }
  | { type: 'code'; text: string; language: string }
  | { type: 'quote'; blocks: Block[] }
  | { type: 'list'; start: number | null; items: Block[][] }
  | { type: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { type: 'rule' };

/** Longer texts are shown as they are. */
export const LONGEST = 100_000;
/** What is nested deeper, the parser leaves out; such a text is shown as it is instead. */
const DEEPEST = 40;

const parser = new MarkdownIt({ html: false, linkify: false, breaks: true, maxNesting: DEEPEST }).disable([
  'code',
]);
parser.validateLink = (href) => /^(https?:\/\/|mailto:)/i.test(href.trim());

/** The tree, or null where the text should be shown as it is. */
export function parseMarkdown(text: string): Block[] | null {
  const short = withoutData(text);
  if (short.length > LONGEST) return null;
  try {
    const tokens = parser.parse(short, {});
    return tokens.some(isTooDeep) ? null : new Reader(tokens).blocks();
  } catch {
    return null;
  }
}

function isTooDeep(token: Token): boolean {
  return token.level >= DEEPEST - 1 || (token.children ?? []).some(isTooDeep);
}

/** Pictures that stand in the text itself are named by their size. */
export function withoutData(text: string): string {
  return text.replace(
    /data:([\w/+.-]{1,80});base64,([A-Za-z0-9+/=]{120,})/g,
    (_, type: string, data: string) => {
      const bytes = Math.floor((data.length * 3) / 4);
      return `[${type}, ${bytes.toLocaleString('en')} bytes]`;
    },
  );
}

/** Where a link leads, in a word: its host, or the address of a mail. */
export function linkTarget(href: string): string {
  try {
    const url = new URL(href);
    return url.host || url.pathname;
  } catch {
    return href;
  }
}

/** Tokens come flat, with openings and closings; this puts them into a tree. */
class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Blocks up to the closing token of the one that they are in. */
  blocks(): Block[] {
    const blocks: Block[] = [];
    for (let token = this.#next(); token && token.nesting >= 0; token = this.#next()) {
      const block = this.#block(token);
      if (block) blocks.push(block);
    }
    return blocks;
  }

  #next(): Token | undefined {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    return token;
  }

  #block(token: Token): Block | null {
    switch (token.type) {
      case 'paragraph_open':
        return { type: 'paragraph', children: this.#inlineUntilClose() };
      case 'heading_open':
        return {
          type: 'heading',
          level: Number(token.tag.slice(1)) || 1,
          children: this.#inlineUntilClose(),
        };
      case 'blockquote_open':
        return { type: 'quote', blocks: this.blocks() };
      case 'bullet_list_open':
        return { type: 'list', start: null, items: this.#items() };
      case 'ordered_list_open':
        return { type: 'list', start: Number(token.attrGet('start') ?? 1), items: this.#items() };
      case 'table_open':
        return this.#table();
      case 'fence':
      case 'code_block':
        return {
          type: 'code',
          text: token.content.replace(/\n$/, ''),
          language: token.info.trim().split(/\s+/)[0] ?? '',
        };
      case 'hr':
        return { type: 'rule' };
      case 'inline':
        return { type: 'paragraph', children: readInline(token.children ?? []) };
      default:
        return token.content === ''
          ? null
          : { type: 'paragraph', children: [{ type: 'text', text: token.content }] };
    }
  }

  #inlineUntilClose(): Inline[] {
    const children: Inline[] = [];
    for (let token = this.#next(); token && token.nesting >= 0; token = this.#next()) {
      children.push(...readInline(token.children ?? []));
    }
    return children;
  }

  #items(): Block[][] {
    const items: Block[][] = [];
    for (let token = this.#next(); token && token.nesting >= 0; token = this.#next())
      items.push(this.blocks());
    return items;
  }

  #table(): Block {
    const rows: Inline[][][] = [];
    let depth = 1;
    for (let token = this.#next(); token; token = this.#next()) {
      if (token.type === 'tr_open') rows.push([]);
      if (token.type === 'inline') rows.at(-1)?.push(readInline(token.children ?? []));
      depth += token.nesting;
      if (depth === 0) break;
    }
    const [head = [], ...body] = rows;
    return { type: 'table', head, rows: body };
  }
}

function readInline(tokens: readonly Token[]): Inline[] {
  let at = 0;
  const until = (): Inline[] => {
    const found: Inline[] = [];
    for (let token = tokens[at++]; token && token.nesting >= 0; token = tokens[at++]) {
      const inline = one(token);
      if (inline) found.push(inline);
    }
    return found;
  };
  const one = (token: Token): Inline | null => {
    switch (token.type) {
      case 'strong_open':
        return { type: 'strong', children: until() };
      case 'em_open':
        return { type: 'emphasis', children: until() };
      case 's_open':
        return { type: 'deleted', children: until() };
      case 'link_open':
        return { type: 'link', href: String(token.attrGet('href') ?? ''), children: until() };
      case 'image':
        return { type: 'image', href: String(token.attrGet('src') ?? ''), alt: token.content };
      case 'code_inline':
        return { type: 'code', text: token.content };
      case 'hardbreak':
      case 'softbreak':
        return { type: 'break' };
      default:
        return token.content === '' ? null : { type: 'text', text: token.content };
    }
  };
  return until();
}
