/**
 * Answers of half a gigabyte of files as they are. Node's own client copies each body once more, into memory that is new each time, and
 * makes a promise or five for each 64 kB of it. Here what comes is read into one buffer that is used again and again, and handed on at
 * once. Whatever is not the usual answer (200, in chunks, not packed) is left to node's client, which asks again.
 */
import { connect, type Socket } from 'node:net';
import { ChunkedBody, NotHttp } from './chunked';
import { ANSWER_TIMEOUT_MS, gone, KEEP_ALIVE_MS, type Place, STALL_TIMEOUT_MS, UNUSED_MS } from './http-client';
import { ownTimeout } from './own-time';

/** A body, piece by piece, each valid until it is dealt with: at once, or when the promise resolves. */
export type TakePart = (part: Buffer) => Promise<void> | undefined;

/** What is read at once: as much as is handed over at once on the other side. */
const READ_BYTES = 256 << 10;
const LONGEST_HEAD = 16 << 10;
const HEAD_END = '\r\n\r\n';

export class RawClient {
  private readonly connections = new Set<Connection>();

  constructor(
    private readonly at: Place,
    /** What errors call it, and the header Host. */
    private readonly address: string,
  ) {}

  /**
   * One request. Resolves with the trailers, in lower case, when all is taken; null, and nothing is, where the answer is not the usual one.
   * @throws what `take` throws; PassItOnError 'source-gone', AbortError
   */
  async post(
    path: string,
    body: Buffer,
    take: TakePart,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, string> | null> {
    signal?.throwIfAborted();
    const connection = [...this.connections].find(({ isFree }) => isFree) ?? this.connect();
    const stop = () => connection.end(new DOMException('stopped', 'AbortError'));
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await connection.post(path, body, take);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  close(): void {
    for (const connection of this.connections) connection.end(gone(this.address, new Error('closed')));
  }

  private connect(): Connection {
    const connection = new Connection(this.at, this.address, () => this.connections.delete(connection));
    this.connections.add(connection);
    return connection;
  }
}

/** What is being answered. */
interface Asked {
  take: TakePart;
  /** As far as it has come. */
  head: string;
  body: ChunkedBody | null;
  /** The answer has begun: from here on it may not stall. */
  begun(): void;
  settle(trailers: ReadonlyMap<string, string> | null): void;
  fail(cause: unknown): void;
}

class Connection {
  private readonly socket: Socket;
  private asked: Asked | null = null;
  private answers = 0;
  /** What came is being worked off: that nothing more comes is not the other side's fault. */
  private isTaking = false;

  /** onClose: it is no use any more. */
  constructor(
    { host, port }: Place,
    private readonly address: string,
    onClose: () => void,
  ) {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const callback = (bytes: number) => this.come(buffer.subarray(0, bytes));
    this.socket = connect({ host, port, noDelay: true, onread: { buffer, callback } });
    this.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.socket.on('timeout', () => {
      if (!this.isTaking) this.broke(new Error('stalled'));
    });
    this.socket.on('error', cause => this.broke(cause));
    this.socket.on('end', () => this.broke(new Error('closed by the other side')));
    this.socket.on('close', () => {
      this.broke(new Error('broken off'));
      onClose();
    });
  }

  /** It stands, and nobody asks for anything. */
  get isFree(): boolean {
    return this.asked === null && !this.socket.destroyed;
  }

  /** As RawClient's. */
  post(path: string, body: Buffer, take: TakePart): Promise<ReadonlyMap<string, string> | null> {
    const { socket } = this;
    const head = [
      `POST ${path} HTTP/1.1`,
      `Host: ${this.address}`,
      'Accept-Encoding: identity',
      'TE: trailers',
      `Content-Length: ${body.length}`,
    ];
    return new Promise((resolve, reject) => {
      const begun = ownTimeout(ANSWER_TIMEOUT_MS, () => this.broke(new Error('no answer')));
      const end = () => {
        begun();
        this.asked = null;
        this.answers++;
        socket.setTimeout(UNUSED_MS);
        // The process may end while it stands unused.
        socket.unref();
      };
      const settle = (trailers: ReadonlyMap<string, string> | null) => {
        end();
        resolve(trailers);
      };
      const fail = (cause: unknown) => {
        end();
        reject(cause);
      };
      this.asked = { take, head: '', body: null, begun, settle, fail };
      socket.ref();
      socket.setTimeout(STALL_TIMEOUT_MS);
      socket.write(Buffer.concat([Buffer.from(`${head.join('\r\n')}${HEAD_END}`), body]));
    });
  }

  /** Breaks it off; who has asked for something learns why. */
  end(cause: unknown): void {
    this.socket.destroy();
    this.asked?.fail(cause);
  }

  private broke(cause: Error): void {
    const { asked, answers } = this;
    // The other side may close what nobody used for a while, in the very moment in which it is used again.
    if (answers > 0 && asked?.head === '') this.leave(asked);
    else this.end(gone(this.address, cause));
  }

  /** False: nothing more for now. */
  private come(bytes: Buffer): boolean {
    try {
      const wait = this.hear(bytes);
      if (wait === undefined) return true;
      this.isTaking = true;
      wait.then(
        () => this.goOn(),
        cause => this.end(cause),
      );
      return false;
    } catch (cause) {
      if (cause instanceof NotHttp) this.broke(cause);
      else this.end(cause);
      return true;
    }
  }

  private goOn(): void {
    this.isTaking = false;
    if (this.asked !== null) this.socket.setTimeout(STALL_TIMEOUT_MS);
    this.socket.resume();
  }

  private hear(bytes: Buffer): Promise<void> | undefined {
    const { asked } = this;
    if (asked === null) throw new NotHttp('an answer that nobody asked for');
    let rest = bytes;
    if (asked.body === null) {
      const before = asked.head.length;
      asked.head += bytes.toString('latin1', 0, LONGEST_HEAD);
      const end = asked.head.indexOf(HEAD_END);
      if (end < 0 && asked.head.length < LONGEST_HEAD) return undefined;
      if (end < 0 || !isUsual(asked.head.slice(0, end))) return this.leave(asked);
      rest = bytes.subarray(end + HEAD_END.length - before);
      asked.begun();
      asked.body = new ChunkedBody();
    }
    asked.body.feed(rest);
    return this.takeParts(asked, asked.body);
  }

  private takeParts(asked: Asked, body: ChunkedBody): Promise<void> | undefined {
    for (let part = body.part(); part !== null; part = body.part()) {
      const wait = asked.take(part);
      if (wait !== undefined) return wait.then(() => this.takeParts(asked, body));
    }
    if (!body.isWhole) return undefined;
    if (body.behind > 0) this.socket.destroy();
    asked.settle(body.trailers);
    return undefined;
  }

  /** For somebody else to ask again. */
  private leave(asked: Asked): undefined {
    this.socket.destroy();
    asked.settle(null);
  }
}

function isUsual(head: string): boolean {
  const [status = '', ...lines] = head.toLowerCase().split('\r\n');
  const isChunked = lines.some(line => /^transfer-encoding:\s*chunked\s*$/.test(line));
  return /^http\/1\.1 200\b/.test(status) && isChunked && !lines.some(line => line.startsWith('content-encoding:'));
}
