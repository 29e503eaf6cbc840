/** Text of the server, as sentences of a page. */

/** With a capital, where it starts with an ordinary word; names such as `otlphttp/jaeger` stay as they are. */
export function sentence(text: string): string {
  return /^[a-z]+(?=[\s,])/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** What happened and what to do, in one line. */
export function inOneLine(message: string, hint: string | null): string {
  if (!hint) return sentence(message);
  return `${sentence(message).replace(/\.$/, '')}. ${sentence(hint)}`;
}
