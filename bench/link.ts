/** The link of one laptop: how many bytes have crossed it. */
import { execFileSync } from 'node:child_process';

export class Link {
  /** @param inside the words before a command that run it in the laptop's namespace, where the link is `eth0` */
  constructor(private readonly inside: readonly string[]) {}

  private run(...command: string[]): string {
    const [program, ...args] = [...this.inside, ...command];
    return execFileSync(program!, args, { encoding: 'utf8' });
  }

  /** Bytes received and sent so far, as the kernel counts them, Ethernet frames included. */
  get counted(): { down: number; up: number } {
    const [{ stats64 }] = JSON.parse(this.run('ip', '-json', '-statistics', 'link', 'show', 'eth0'));
    return { down: stats64.rx.bytes, up: stats64.tx.bytes };
  }

  /** Both directions together. */
  get bytes(): number {
    const { down, up } = this.counted;
    return down + up;
  }
}
