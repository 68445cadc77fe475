import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { view } from '../../src/screen/model';
import { type ScreenState, withNeighbours, withStatus, withUpgrade } from '../../src/screen/state';
import type { LaptopView, Slots } from '../../src/screen/view';
import {
  ANA,
  BEN,
  base,
  CARLA,
  CLASS,
  DINA,
  image,
  near,
  neighbour,
  plan,
  report,
  STATES,
  status,
  upgrade,
} from './states';

function laptops(groups: Slots[]): LaptopView[] {
  return groups.flat().filter(laptop => laptop !== null);
}

function names(groups: Slots[]): string[][] {
  return groups.map(slots => slots.map(laptop => laptop?.title ?? '-'));
}

function shown(name: string) {
  const state = STATES[name];
  assert.ok(state, name);
  return view(state);
}

describe('what stands on the screen', () => {
  it('newer above, same in the middle, older below, equal versions together', () => {
    const { newer, mine, older } = shown('idle');
    assert.deepEqual(names(newer.groups), [['Ana', 'Ben', 'Carla'], ['Teacher']]);
    assert.deepEqual(names(mine.groups), [['Dina', 'Emil']]);
    assert.deepEqual(names(older.groups), [['Fatima'], ['Gabo']]);
  });

  it('marks what only looks the same, and what cannot be compared', () => {
    const odd = laptops(shown('odd').different.groups);
    assert.deepEqual(
      odd.map(({ title, subtitle, badge }) => [title, subtitle, badge]),
      [
        ['Pia', 'classmate 12.1', 'different'],
        ['Oscar', '406', 'different'],
      ],
    );
  });

  it('marks whom something is wrong with, and says what', () => {
    const [, rosa, quinn] = laptops(shown('problem').newer.groups);
    assert.deepEqual([quinn?.badge, quinn?.description], ['problem', 'It does not answer.']);
    assert.equal(rosa?.badge, 'problem');
  });

  it('what is kept here stands below, or above when it is newer', () => {
    const below = shown('after');
    assert.equal(below.older.groups[0]?.[0]?.key, 'kept');
    assert.equal(below.older.groups[0]?.[0]?.title, 'On my laptop');
    const state = base(CLASS, { status: status({ previous: image('407') }) });
    assert.equal(view(state).newer.groups[0]?.[0]?.key, 'kept');
  });

  it('gives everybody a name that can be heard, and nobody two', () => {
    for (const name of Object.keys(STATES)) {
      const { newer, mine, older, different, laptop } = shown(name);
      const all = [laptop, ...[newer, mine, older, different].flatMap(band => laptops(band.groups))];
      for (const one of all) assert.ok(one.name.length > 2, name);
      assert.equal(new Set(all.map(one => one.key)).size, all.length, name);
      assert.equal(all.filter(one => one.selected).length <= 1, true, name);
    }
  });

  it('says at most two lines below the headline, in every state', () => {
    for (const name of Object.keys(STATES)) {
      const { bar } = shown(name);
      assert.ok(bar.headline.length > 0 && bar.lines.length <= 2, name);
      for (const line of [bar.headline, ...bar.lines]) {
        assert.doesNotMatch(line, /[{}]|undefined|null|NaN/, name);
        assert.ok(line.length < 70, `${name}: ${line}`);
      }
    }
  });
});

describe('after a tap', () => {
  it('says who has it, who can help, how much, and what is not sure', () => {
    const { bar } = shown('choose');
    assert.equal(bar.headline, 'Ana has 407. Ben and Carla can help.');
    assert.deepEqual(bar.lines, ['23 MB to fetch · 40 seconds · Not signed', 'Your work stays.']);
    assert.deepEqual([bar.button?.action, bar.button?.label, bar.button?.detail], ['upgrade', 'Upgrade', 'to 407']);
    assert.ok(bar.button?.enabled);
    assert.deepEqual(bar.picture?.from, [ANA.colors, BEN.colors, CARLA.colors]);
  });

  it('names who signed it, and what they say of it', () => {
    assert.deepEqual(shown('choose-signed').bar.lines, [
      '23 MB to fetch · about 3 minutes · Signed by Colegio Roble ✓',
      '“Books open faster.” Your work stays.',
    ]);
  });

  it('offers to make room when it would not fit, and says why', () => {
    const { bar } = shown('choose-no-room');
    assert.equal(bar.button?.action, 'make-room');
    assert.equal(bar.lines[1], 'Not enough room: it needs 25 MB, 9 MB are free.');
  });

  it('offers nothing where there is nothing to do', () => {
    const { bar } = shown('choose-same');
    assert.equal(bar.button, null);
    assert.equal(bar.lines[0], 'That is just what your laptop has.');
  });

  it('asks once before going to something older or other', () => {
    const older = shown('confirm-older');
    assert.equal(older.alert?.kind, 'question');
    assert.deepEqual(
      older.alert?.buttons.map(({ action, label }) => [action, label]),
      [
        ['cancel', 'Cancel'],
        ['confirm', 'Go to 405'],
      ],
    );
    assert.match(older.alert?.line ?? '', /older than your 406.*Your work stays/);
    assert.match(shown('confirm-other').alert?.line ?? '', /another system, classmate/);
    assert.equal(shown('choose').alert, null);
    // What the signed commit says counts, not what was announced.
    const liar = view(
      base(CLASS, { selected: 'near:Ana', comparison: { state: 'done', plan: plan('405') }, confirming: true }),
    );
    assert.equal(liar.alert?.title, 'Go to 405?');
    assert.equal(liar.bar.button?.detail, 'to 405');
  });

  it('going back needs nobody', () => {
    const { bar } = view(base([], { selected: 'kept', status: status({ previous: image('405') }) }));
    assert.deepEqual([bar.button?.action, bar.button?.detail], ['go-back', 'to 405']);
    assert.ok(bar.button?.enabled);
  });
});

describe('while it runs', () => {
  it('shows who gives, how far it is, and Stop', () => {
    const fetching = shown('fetching');
    assert.equal(fetching.bar.headline, 'Getting 407 from Ana, Ben and Carla');
    assert.equal(fetching.bar.lines[0], '14 of 23 MB · 25 seconds left');
    assert.equal(fetching.bar.button?.action, 'stop');
    assert.deepEqual(
      fetching.bar.steps?.map(step => step.state),
      ['done', 'doing', 'todo', 'todo'],
    );
    assert.equal(fetching.moving, 'dots');
    const giving = laptops(fetching.newer.groups).filter(laptop => laptop.giving);
    assert.deepEqual(
      giving.map(laptop => laptop.title),
      ['Ana', 'Ben', 'Carla'],
    );
  });

  it('fades who cannot help, and nobody can be tapped', () => {
    const { newer, older, laptop } = shown('fetching');
    const all = [...laptops(newer.groups), ...laptops(older.groups), laptop];
    assert.deepEqual(
      all.filter(one => one.faded).map(one => one.title),
      ['Teacher', 'Fatima', 'Gabo'],
    );
    assert.ok(all.every(one => !one.enabled));
  });

  it('fills the ring from step to step and never empties it', () => {
    let last = -1;
    for (const step of ['compare', 'fetch', 'check', 'stage'] as const) {
      for (const part of [0, 0.5, 1]) {
        const progress = { step, bytesDone: part * 1000, bytesTotal: 1000 };
        const { ring } = view(base(CLASS, { upgrade: upgrade('running', progress) }));
        assert.ok(ring !== null && ring >= last && ring <= 1, `${step} ${part}: ${ring}`);
        last = ring;
      }
    }
    assert.equal(last, 1);
  });

  it('does not divide by nothing', () => {
    const nothing = { bytesDone: 0, bytesTotal: 0, filesDone: 0, filesTotal: 0, secondsLeft: null, sources: [] };
    for (const step of ['compare', 'fetch', 'check', 'stage'] as const) {
      const { ring, bar } = view(base(CLASS, { upgrade: upgrade('running', { ...nothing, step }) }));
      assert.ok(Number.isFinite(ring));
      assert.doesNotMatch(bar.lines.join(' '), /NaN|undefined/);
    }
  });

  it('says that it looks for another, and that nothing is lost', () => {
    const { bar, moving } = shown('waiting');
    assert.equal(bar.headline, 'Looking for another laptop with 407…');
    assert.equal(bar.lines[0], 'Nothing is lost: 14 of 23 MB are here already.');
    assert.equal(moving, 'waves');
  });

  it('can go on after a stop, or be forgotten', () => {
    const { bar } = shown('stopped');
    assert.deepEqual([bar.button?.action, bar.button?.label], ['upgrade', 'Continue']);
    assert.equal(bar.second?.action, 'forget');
  });
});

describe('at the end', () => {
  it('offers the restart, and says what stays', () => {
    const { bar, laptop } = shown('ready');
    assert.equal(bar.headline, '407 is ready on your laptop!');
    assert.deepEqual(bar.lines, [
      'Every file was checked. Your work is untouched.',
      '406 stays here: you can go back.',
    ]);
    assert.deepEqual([bar.button?.action, bar.button?.detail, bar.second?.action], ['restart', 'to use 407', 'done']);
    assert.equal(laptop.badge, 'check');
    assert.ok(bar.steps?.every(step => step.state === 'done'));
  });

  it('says who finishes it where nothing restarts the laptop', () => {
    const { bar } = shown('ready-helper');
    assert.deepEqual([bar.button?.action, bar.button?.label], ['done', 'Done']);
    assert.match(bar.lines[1] ?? '', /whoever looks after this laptop/);
  });

  it('is shown as soon as the upgrade is staged, whatever was chosen', () => {
    const chosen = base(CLASS, { selected: 'near:Ana', comparison: { state: 'done', plan: plan() } });
    const staged = withUpgrade({ ...chosen, upgrade: upgrade('running') }, upgrade('staged', { step: 'ready' }));
    assert.equal(view(staged).bar.headline, '407 is ready on your laptop!');
  });

  it('after the restart says what has changed, and offers going back', () => {
    const { bar } = shown('arrived');
    assert.equal(bar.headline, 'Your laptop has 407 now!');
    assert.equal(bar.lines[0], 'Before, it had 406. “A new game.”');
    assert.match(bar.lines[1] ?? '', /406 is kept here/);
    assert.deepEqual([bar.button?.action, bar.second?.action], ['thanks', 'go-back']);
    assert.equal(shown('arrived-back').bar.headline, 'Your laptop has 406 again.');
  });

  it('waits in the background after Later, and comes back by a tap on my laptop', () => {
    const later = view(base(CLASS, { status: status({ staged: image('407') }), acknowledged: image('407').commit }));
    assert.equal(later.bar.headline, '407 waits on your laptop, ready to be used.');
    const again = base(CLASS, {
      status: status({ staged: image('407') }),
      acknowledged: image('407').commit,
      selected: 'mine',
    });
    assert.equal(view(again).bar.headline, '407 is ready on your laptop!');
  });
});

describe('when something is wrong', () => {
  it('says what, and offers one thing to do', () => {
    const failed = shown('failed').alert;
    assert.equal(failed?.title, 'The others have left.');
    assert.deepEqual(
      failed?.buttons.map(({ action }) => action),
      ['dismiss', 'upgrade'],
    );
    assert.deepEqual(
      shown('no-answer').alert?.buttons.map(({ action }) => action),
      ['dismiss', 'compare-again'],
    );
  });

  it('does not say the same failure twice, but says the next one', () => {
    const error = report('source-gone', 'Gone.', 'Look.');
    const failed = withUpgrade(base(CLASS, { upgrade: upgrade('running') }), upgrade('failed', {}, error));
    const read = { ...failed, failureSeen: true };
    assert.equal(view(read).alert, null);
    const running = withUpgrade(read, upgrade('running'));
    assert.ok(view(withUpgrade(running, upgrade('failed', {}, error))).alert);
  });

  it('nobody near: says what to try, why it may not work, and that it keeps looking', () => {
    const { alone, moving } = shown('nobody-kept');
    assert.match(alone?.title ?? '', /Looking/);
    assert.equal(alone?.lines.at(-1), 'Looking for neighbours does not work on wlan0.');
    assert.equal(moving, 'waves');
    assert.equal(shown('idle').alone, null);
  });

  it('the service is gone: says so before anything else', () => {
    const state = base(CLASS, {
      link: 'lost',
      confirming: true,
      selected: 'kept',
      error: report('busy', 'Busy.', 'Wait.'),
    });
    assert.equal(view(state).alert?.buttons[0]?.action, 'reconnect');
  });
});

describe('what changes around a choice', () => {
  const chosen: ScreenState = base(CLASS, { selected: 'near:Ana', comparison: { state: 'done', plan: plan() } });

  it('forgets it when that laptop leaves, or has something else now', () => {
    assert.equal(near(chosen, CLASS.slice(1)).selected, null);
    const changed = CLASS.map(n => (n === ANA ? { ...n, commit: 'f'.repeat(40) } : n));
    assert.equal(near(chosen, changed).comparison, null);
    const seen = CLASS.map(n => ({ ...n, lastSeen: 'later' }));
    assert.equal(near(chosen, seen).selected, 'near:Ana');
    assert.equal(withNeighbours({ ...chosen, selected: 'kept' }, new Map()).selected, 'kept');
  });

  it('forgets it when this laptop has another image, but not when only a warning comes', () => {
    assert.equal(withStatus(chosen, status({ warnings: ['No network.'] })).selected, 'near:Ana');
    assert.equal(withStatus(chosen, status({ current: image('407') })).selected, null);
  });

  it('a laptop without any image: everybody is worth a tap', () => {
    const fresh = shown('fresh');
    assert.equal(laptops(fresh.newer.groups).length, CLASS.length);
    assert.equal(fresh.bar.headline, 'Tap a laptop to get its version.');
    const tapped = view({
      ...(STATES.fresh as ScreenState),
      selected: 'near:Dina',
      comparison: { state: 'done', plan: plan('406', { from: null, relation: 'newer' }) },
    });
    assert.equal(tapped.bar.button?.label, 'Get it');
    assert.ok(tapped.bar.lines[0]?.startsWith('23 MB to fetch'));
  });

  it('keeps a nick that is not told neutral', () => {
    const { newer } = view(base([neighbour('', '407', 'newer', { id: 'x', colors: null })]));
    assert.equal(newer.groups[0]?.[0]?.title, 'Laptop');
    assert.equal(view(base([DINA])).mine.groups[0]?.[0]?.subtitle, '406');
  });
});
