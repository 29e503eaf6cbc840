import { getCall, getSession } from '../api/llm';
import { readContent } from '../model/llm-message';
import { callKey } from '../model/llm-calls';
import { callLink } from '../model/route';
import { Query } from './query.svelte';

/** One call and its neighbours in the session. */
export class CallPage {
  readonly call;
  readonly #session;
  readonly content = $derived.by(() => (this.call.data ? readContent(this.call.data.detail) : null));
  /** What holds the call together with others. */
  readonly session = $derived.by(() => {
    const call = this.call.data?.call;
    return call?.sessionId ?? call?.conversationId ?? null;
  });
  readonly turns = $derived.by(() => this.#session.data?.turns ?? []);
  /** The place of this call among the turns; -1 while they are not known. */
  readonly place;

  constructor(traceId: string, spanId: string) {
    this.call = new Query((signal) => getCall(traceId, spanId, signal));
    this.#session = new Query(async (signal) =>
      this.session === null ? null : getSession(this.session, signal),
    );
    this.place = $derived(this.turns.findIndex((turn) => callKey(turn) === callKey({ traceId, spanId })));
  }

  async load(): Promise<void> {
    await this.call.load();
    if (this.session !== null) await this.#session.load();
  }

  cancel(): void {
    this.call.cancel();
    this.#session.cancel();
  }

  /** The call so many turns further, or null where there is none. */
  neighbour(by: number): string | null {
    const turn = this.place < 0 ? undefined : this.turns[this.place + by];
    return turn ? callLink(turn.traceId, turn.spanId) : null;
  }
}
