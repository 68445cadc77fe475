/** Things in the order of their times: what is next is known at once, however many there are. A binary heap; pure. */

/** Where a thing stands is kept on the thing, -1 at first, so that it is found at once. */
export interface Place<T> {
  get(item: T): number;
  set(item: T, place: number): void;
}

export class Agenda<T> {
  readonly #items: T[] = [];
  /** Beside the items, so that comparing does not touch them. */
  readonly #times: number[] = [];

  constructor(private readonly place: Place<T>) {}

  get size(): number {
    return this.#items.length;
  }

  /** The soonest time; Infinity if there is none. */
  get next(): number {
    return this.#times.length > 0 ? this.#times[0]! : Number.POSITIVE_INFINITY;
  }

  /** What is next. */
  get first(): T | null {
    return this.#items.length > 0 ? this.#items[0]! : null;
  }

  /** Enters it, or moves it to another time. */
  put(item: T, time: number): void {
    const place = this.place.get(item);
    this.#settle(place < 0 ? this.#items.length : place, item, time);
  }

  remove(item: T): void {
    const place = this.place.get(item);
    if (place < 0) return;
    this.place.set(item, -1);
    const last = this.#items.pop()!;
    const time = this.#times.pop()!;
    if (last !== item) this.#settle(place, last, time);
  }

  /** All whose time has come by then, the soonest first. */
  until(time: number): T[] {
    const places: number[] = [];
    const visit = (place: number) => {
      if (place >= this.#items.length || this.#times[place]! > time) return;
      places.push(place);
      visit(2 * place + 1);
      visit(2 * place + 2);
    };
    visit(0);
    return places.sort((a, b) => this.#times[a]! - this.#times[b]!).map(place => this.#items[place]!);
  }

  /** Puts it where it belongs, beginning at a place that is free for it. */
  #settle(free: number, item: T, time: number): void {
    let place = free;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (this.#times[above]! <= time) break;
      this.#move(above, place);
      place = above;
    }
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.#items.length) break;
      if (below + 1 < this.#items.length && this.#times[below + 1]! < this.#times[below]!) below++;
      if (this.#times[below]! >= time) break;
      this.#move(below, place);
      place = below;
    }
    this.#set(place, item, time);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#items[from]!, this.#times[from]!);
  }

  #set(place: number, item: T, time: number): void {
    this.#items[place] = item;
    this.#times[place] = time;
    this.place.set(item, place);
  }
}
