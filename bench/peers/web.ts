/** A folder on an ordinary web server: nginx as Debian has it, in the foreground. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Serving } from './peer';
import { type Place, serving } from './place';
import { say } from './trees';

export const WEB_PORT = 8731;

export async function serveFolder(place: Place, folder: string, work: string): Promise<Serving> {
  const dir = join(work, 'nginx');
  mkdirSync(dir, { recursive: true });
  const config = join(dir, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${dir};`);
  writeFileSync(
    config,
    `user root; worker_processes 1; daemon off; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 256; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; ${temporary.join(' ')}
  server { listen ${WEB_PORT}; root ${folder}; }
}
`,
  );
  // No page at the top: that it answers at all is enough.
  const ready = ['curl', '-s', '-o', join(dir, 'ready'), `http://127.0.0.1:${WEB_PORT}/`];
  return serving(place, work, ['nginx', '-e', join(dir, 'error.log'), '-c', config], ready);
}

export function webVersion(): string {
  // It says so on stderr.
  return say('sh', '-c', 'nginx -v 2>&1').replace('nginx version: ', '').trim();
}
