/** Gathers findings about single entries, told in order of index, into lines about ranges of them. */
export class RangeReport {
  readonly #ranges: { readonly from: number; last: number; readonly what: string }[] = [];

  add(index: number, what: string): void {
    const open = this.#ranges[this.#ranges.length - 1];
    if (open !== undefined && open.what === what && open.last === index - 1) open.last = index;
    else this.#ranges.push({ from: index, last: index, what });
  }

  lines(): string[] {
    return this.#ranges.map(({ from, last, what }) =>
      from === last ? `entry ${from}: ${what}` : `entries ${from}..${last}: ${what}`,
    );
  }
}
