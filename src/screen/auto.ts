/**
 * One upgrade by itself, for a machine without a display: it presses the same buttons as a child, tells each step on
 * stdout, and keeps a picture of each.
 */
import { mkdirSync } from 'node:fs';
import { PassItOnError } from '../core/errors';
import type { Controller } from './controller';
import { view } from './model';
import type { ScreenState } from './state';
import { newest, settled, until } from './waiting';
import type { ScreenWindow } from './window';

const LOOK_MS = 60_000;
const UPGRADE_MS = 15 * 60_000;

export async function runAuto(controller: Controller, window: ScreenWindow, screenshots: string | null): Promise<void> {
  if (screenshots) {
    mkdirSync(screenshots, { recursive: true });
    window.parkPointer();
  }
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const picture = async (name: string) => {
    if (screenshots) say(`picture: ${await window.screenshot(screenshots, name)}`);
  };
  say('looking for a laptop with something newer');
  await until(controller, state => newest(state) !== null, LOOK_MS, 'no newer laptop appeared');
  await settled(controller);
  const chosen = newest(controller.state);
  if (!chosen) throw new PassItOnError('no-source', 'The newer laptop has left.', 'Try again.');
  say(`choosing ${chosen.nick || chosen.address} with ${chosen.version}`);
  controller.tap(`near:${chosen.id}`);
  await until(controller, state => state.comparison?.state !== 'asking', LOOK_MS, 'comparing took too long');
  tellBar(controller, say);
  await picture('choose');

  controller.act('upgrade');
  const fetching = until(controller, isFetching, UPGRADE_MS, 'nothing was fetched').then(() => picture('fetching'));
  const telling = tellSteps(controller, say);
  await until(controller, isOver, UPGRADE_MS, 'the upgrade did not end');
  telling();
  const { upgrade } = controller.state;
  const error = upgrade?.error ?? controller.state.error;
  if (upgrade?.state !== 'staged') {
    throw new PassItOnError(
      error?.code ?? 'internal',
      error?.message ?? 'It has stopped.',
      error?.remedy ?? 'Try again.',
    );
  }
  await fetching;
  tellBar(controller, say);
  await picture('ready');

  // What a helper does where no hook restarts the laptop.
  if (controller.state.status?.canRestart) controller.act('restart');
  else await controller.activate();
  const { commit } = upgrade.to;
  await until(controller, state => state.status?.current?.commit === commit, LOOK_MS, 'it was not put to use');
  await settled(controller);
  say(`this laptop has ${controller.state.status?.current?.version} now`);
  await picture('after');
}

/** Half way: several helpers give, and the ring shows it. */
function isFetching({ upgrade }: ScreenState): boolean {
  if (!upgrade) return false;
  const { step, bytesDone, bytesTotal } = upgrade.progress;
  return upgrade.state === 'staged' || (step === 'fetch' && bytesDone * 5 >= bytesTotal * 2);
}

function isOver(state: ScreenState): boolean {
  const told = state.upgrade?.state;
  return state.pending === null && (told !== 'running' || state.error !== null);
}

function tellBar(controller: Controller, say: (line: string) => void): void {
  const { bar } = view(controller.state);
  say([bar.headline, ...bar.lines].join(' '));
}

/** Says each step as it begins; call the answer to stop. */
function tellSteps(controller: Controller, say: (line: string) => void): () => void {
  let last = '';
  const tell = () => {
    const { upgrade } = controller.state;
    const step = upgrade?.progress.step ?? '';
    if (step === last || !upgrade) return;
    last = step;
    say(`${step}: ${view(controller.state).bar.headline}`);
  };
  tell();
  return controller.onChange(tell);
}
