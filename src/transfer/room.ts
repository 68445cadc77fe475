/** Lets so much work go on at a time; the rest waits in the order in which it came. */
export class Room {
  private inside = 0;
  private readonly waiting: { takes: number; begin: () => void }[] = [];

  constructor(private readonly most: number) {}

  /** takes: how much of the room; never more than all of it. */
  async run<T>(work: () => Promise<T>, takes = 1): Promise<T> {
    const share = Math.min(takes, this.most);
    if (this.waiting.length === 0 && this.fits(share)) this.inside += share;
    else await new Promise<void>(begin => this.waiting.push({ takes: share, begin }));
    try {
      return await work();
    } finally {
      this.inside -= share;
      this.letIn();
    }
  }

  private fits(share: number): boolean {
    return this.inside + share <= this.most;
  }

  private letIn(): void {
    for (let next = this.waiting[0]; next !== undefined && this.fits(next.takes); next = this.waiting[0]) {
      this.waiting.shift();
      this.inside += next.takes;
      next.begin();
    }
  }
}
