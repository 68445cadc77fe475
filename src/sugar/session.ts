/** The session bus: where Sugar's shell, its datastore and its notifications are. */
import { Message, type MessageBus, sessionBus } from '@particle/dbus-next';

export class Session {
  private constructor(readonly bus: MessageBus) {}

  /** Connects in the background; without a bus the first call rejects. */
  static open(): Session {
    const bus = sessionBus();
    bus.on('error', (error: Error) => process.stderr.write(`D-Bus: ${error.message}\n`));
    return new Session(bus);
  }

  /** One method call; answers the values of the reply, rejects with the other side's error. */
  async call(
    to: { destination: string; path: string; interface: string },
    member: string,
    signature: string,
    body: unknown[],
  ): Promise<unknown[]> {
    const answer = await this.bus.call(new Message({ ...to, member, signature, body }));
    return answer?.body ?? [];
  }

  close(): void {
    this.bus.disconnect();
  }
}
