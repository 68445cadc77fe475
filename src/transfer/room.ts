/** Lets so many pieces of work go on at a time; the others wait in the order in which they came. */
export class Room {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside < this.most) this.inside++;
    else await new Promise<void>(resolve => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // Who waits gets the place of who leaves.
      if (next) next();
      else this.inside--;
    }
  }
}
