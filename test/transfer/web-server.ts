/** Web servers that know nothing of us, over one folder: the real nginx, and the one that every Python has. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WebServer {
  /** `http://127.0.0.1:PORT/` */
  url: string;
  port: number;
  /** The requests so far, `GET /path STATUS RANGE BYTES`, where the server writes them down. */
  requests(): string[];
}

/** nginx as an ordinary web server, with nothing but the folder to serve; alone in a folder of its own. rate: bytes a second. */
export async function nginx(t: TestContext, dir: string, rate?: number): Promise<WebServer> {
  const home = mkdtempSync(join(tmpdir(), 'pass-it-on-nginx-'));
  const port = await freePort();
  mkdirSync(join(home, 'tmp'));
  const log = join(home, 'access.log');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${home}/tmp;`);
  const config = `
    daemon off; master_process off; pid ${home}/nginx.pid; error_log ${home}/error.log;
    events { worker_connections 64; }
    http {
      ${paths.join(' ')}
      log_format plain '$request_method $request_uri $status $http_range $body_bytes_sent';
      access_log ${log} plain;
      ${rate === undefined ? '' : `limit_rate ${rate};`}
      server { listen 127.0.0.1:${port}; root ${dir}; }
    }`;
  writeFileSync(join(home, 'nginx.conf'), config);
  const child = spawn('/usr/sbin/nginx', ['-p', home, '-c', join(home, 'nginx.conf'), '-e', join(home, 'error.log')], {
    stdio: 'inherit',
  });
  t.after(() => end(child).then(() => rmSync(home, { recursive: true, force: true })));
  await untilAnswers(child, port);
  return { url: `http://127.0.0.1:${port}/`, port, requests: () => readFileSync(log, 'utf8').trim().split('\n') };
}

/** `python3 -m http.server`: no ranges, no connections that stay open. */
export async function python(t: TestContext, dir: string): Promise<WebServer> {
  const port = await freePort();
  const child = spawn('python3', ['-m', 'http.server', '--bind', '127.0.0.1', '--directory', dir, String(port)], {
    stdio: 'ignore',
  });
  t.after(() => end(child));
  await untilAnswers(child, port);
  return { url: `http://127.0.0.1:${port}/`, port, requests: () => [] };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function untilAnswers(child: ChildProcess, port: number): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the web server ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const answered = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error')]).catch(
      () => false,
    );
    socket.destroy();
    if (answered === true) return;
    await sleep(50);
  }
}
