/**
 * A colour for each service, the same on every page of one visit.
 *
 * The colours themselves are in app.css (`--service-0` and so on): ten that stay apart for colour-blind readers by
 * lightness as well as hue, with red left to errors and amber to warnings.
 */

export const SERVICE_COLOURS = 10;

export class ServiceColours {
  readonly #slots = new Map<string, number>();
  readonly #taken = new Set<number>();

  /** A CSS value. Services differ in colour until there are more of them than colours. */
  of(service: string): string {
    let slot = this.#slots.get(service);
    if (slot === undefined) {
      slot = this.#freeSlot(hash(service) % SERVICE_COLOURS);
      this.#slots.set(service, slot);
      this.#taken.add(slot);
    }
    return `var(--service-${slot})`;
  }

  #freeSlot(preferred: number): number {
    for (let step = 0; step < SERVICE_COLOURS; step += 1) {
      const slot = (preferred + step) % SERVICE_COLOURS;
      if (!this.#taken.has(slot)) return slot;
    }
    return preferred;
  }
}

/** FNV-1a, so that a service tends to keep its colour from one visit to the next. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** A colour for anything else that belongs together; groups may share one. */
export function groupColour(group: string): string {
  return `var(--service-${hash(group) % SERVICE_COLOURS})`;
}
