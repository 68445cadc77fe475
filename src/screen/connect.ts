/** “Connect to an address”: what a volunteer types, and what comes of it. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ErrorReport, toPassItOnError } from '../core/errors';
import type { Plan } from '../service/contract';
import { _, fill } from './i18n';

/** What was typed, as the service wants it: `host:port`, `[v6%zone]:port`, a URL, or a folder. */
export function typedAddress(text: string, home = homedir()): string {
  const bare = text.trim();
  if (bare === '~') return home;
  if (bare.startsWith('~/')) return join(home, bare.slice(2));
  if (!bare.startsWith('file://')) return bare;
  try {
    return decodeURIComponent(new URL(bare).pathname);
  } catch {
    // The service says what is wrong with it.
    return bare;
  }
}

export interface Connection {
  call(method: 'compare', params: { target: string; from: string[] }): Promise<Plan>;
  /** From now on who answers there is shown as a neighbour. */
  lookAt(address: string): Promise<void>;
}

/** Resolves with a sentence: who is there, or why nobody is. Never rejects. */
export async function connectTo(text: string, connection: Connection): Promise<{ ok: boolean; sentence: string }> {
  const address = typedAddress(text);
  if (address === '') return { ok: false, sentence: _('Type an address first.') };
  try {
    // Words without a colon or a slash would be taken for a version.
    const target = /[:/]/.test(address) ? address : `${address}:20707`;
    const { to } = await connection.call('compare', { target, from: [] });
    await connection.lookAt(target);
    const image = `${to.name} ${to.version}`;
    return { ok: true, sentence: fill(_('{address} has {image}.'), { address, image }) };
  } catch (thrown) {
    return { ok: false, sentence: whyNot(address, toPassItOnError(thrown).toJSON()) };
  }
}

function whyNot(address: string, { code }: ErrorReport): string {
  const isFolder = address.startsWith('/');
  switch (code) {
    case 'usage':
      return fill(_('“{address}” is not an address. Write it like 10.0.0.7:20707 or [fe80::1%wlan0]:20707.'), {
        address,
      });
    case 'not-found':
    case 'no-source':
    case 'source-gone':
      return isFolder
        ? fill(_('There is no image in {address}.'), { address })
        : fill(_('No laptop with an image answers at {address}. Is it on, and is the address right?'), { address });
    case 'source-lied':
    case 'bad-data':
      return fill(_('Something else than Pass It On answers at {address}.'), { address });
    case 'service':
      return _('Pass It On is being started again. Try once more in a moment.');
    default:
      return fill(_('{address} cannot be used now. Try again.'), { address });
  }
}
