/** How to have a program's calls of models recorded: one base URL per SDK, with this hub's own address. */

import type { Listener } from '../api/types';
import { reachable } from './first-trace';
import type { Snippet } from './snippets';

/** Where the proxy listens by default. */
export const DEFAULT_PROXY = 'http://127.0.0.1:8080';

/** The proxy's address, or null where none listens. */
export function proxyBase(listening: readonly Listener[]): string | null {
  const proxy = listening.find(({ component }) => component.split('/')[0] === 'llm_proxy');
  return proxy ? `${proxy.tls ? 'https' : 'http'}://${reachable(proxy.address)}` : null;
}

export function proxySnippets(base: string): Snippet[] {
  return [
    {
      id: 'openai-python',
      title: 'OpenAI Python',
      steps: [
        {
          text: 'Run your program with the base URL of the proxy:',
          code: `OPENAI_BASE_URL=${base}/v1 python app.py`,
        },
        {
          text: 'Or say so in the program:',
          code: `from openai import OpenAI\n\nclient = OpenAI(base_url="${base}/v1")`,
        },
      ],
    },
    {
      id: 'openai-node',
      title: 'OpenAI JS',
      steps: [
        {
          text: 'Run your program with the base URL of the proxy:',
          code: `OPENAI_BASE_URL=${base}/v1 node app.js`,
        },
        {
          text: 'Or say so in the program:',
          code: `import OpenAI from 'openai';\n\nconst client = new OpenAI({ baseURL: '${base}/v1' });`,
        },
      ],
    },
    {
      id: 'anthropic',
      title: 'Anthropic',
      steps: [
        {
          text: 'The SDKs of any language read the environment:',
          code: `ANTHROPIC_BASE_URL=${base}/anthropic python app.py`,
        },
        {
          text: 'Or say so in the program:',
          code: `import anthropic\n\nclient = anthropic.Anthropic(base_url="${base}/anthropic")`,
        },
      ],
    },
    {
      id: 'claude-code',
      title: 'Claude Code',
      steps: [
        { text: 'Start it with everything set, its own telemetry among it:', code: 'fanlight run -- claude' },
        {
          text: 'The same works for codex, gemini, aider, and your own programs:',
          code: 'fanlight run -- python app.py',
        },
      ],
    },
    {
      id: 'llm-curl',
      title: 'curl',
      steps: [
        {
          text: 'One call with your own key:',
          code: `curl ${base}/v1/chat/completions -H "authorization: Bearer $OPENAI_API_KEY" -H 'content-type: application/json' -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello"}]}'`,
        },
      ],
    },
  ];
}
