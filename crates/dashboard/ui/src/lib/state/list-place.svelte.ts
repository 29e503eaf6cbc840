/** Where a reader is in a list: kept while one of its items is looked at, begun anew with another filter. */
export class ListPlace {
  scrollTop = $state(0);
  /** The key of the item that the keyboard is at. */
  selected = $state<string | null>(null);
  #filter: string | null = null;

  /** The list under a filter; another filter is another list, which is read from its top. */
  enter(filter: string): void {
    if (filter !== this.#filter) this.leave();
    this.#filter = filter;
  }

  leave(): void {
    this.scrollTop = 0;
    this.selected = null;
  }
}
