/** To wait until something has changed, without being told of each change by itself. */

/** Much changes at once: who waits looks once for all of it, and finds more. */
const GATHER_MS = 50;

export class Changes {
  private readonly waiting = new Set<() => void>();
  private telling: NodeJS.Timeout | null = null;

  /** Resolves when something has changed, but after so many ms at the latest. */
  wait(longest: number): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        clearTimeout(timer);
        this.waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, longest);
      this.waiting.add(wake);
    });
  }

  /** Something has changed. atOnce: nothing more will. */
  announce(atOnce: boolean): void {
    if (atOnce) this.tell();
    else this.telling ??= setTimeout(() => this.tell(), GATHER_MS);
  }

  private tell(): void {
    if (this.telling) clearTimeout(this.telling);
    this.telling = null;
    for (const wake of [...this.waiting]) wake();
  }
}
