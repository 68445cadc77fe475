import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { LinkSighting } from '../../src/neighbours/browser';
import { Roster } from '../../src/neighbours/sighting';
import { COMMIT } from './simulation';

function seen(host: string, addresses: string[], more: Partial<LinkSighting> = {}, version = '407'): LinkSighting {
  const claims = { image: 'olpc-xo', version, commit: COMMIT, nick: 'Ana', colors: null };
  return { instance: 'Ana', host, claims, port: 20707, addresses, heard: 5, ...more };
}

describe('the roster', () => {
  let roster: Roster;
  const update = (...sightings: LinkSighting[]) =>
    roster.update('ana', sightings, 1000).map(({ event, sighting }) => `${event} ${sighting.id}`);

  beforeEach(() => {
    roster = new Roster();
  });

  it('tells who appears, changes and goes, and nothing where nothing changed but the time', () => {
    assert.deepEqual(update(seen('a', ['10.0.0.1'])), ['added Ana']);
    assert.deepEqual(update(seen('a', ['10.0.0.1'], { heard: 9 })), []);
    assert.equal(roster.list()[0]?.lastSeen, 1009);
    assert.deepEqual(update(seen('a', ['10.0.0.1'], {}, '408')), ['changed Ana']);
    assert.deepEqual(update(seen('a', ['10.0.0.2'], {}, '408')), ['changed Ana']);
    assert.deepEqual(update(), ['removed Ana']);
    assert.deepEqual(update(), []);
    assert.deepEqual(roster.list(), []);
  });

  it('makes one neighbour of what several links show, IPv4 first, whatever their order', () => {
    const links = [seen('a', ['fe80::1%eth0', '10.0.0.1']), seen('a', ['10.1.0.1'], { heard: 8 }, '408')];
    assert.deepEqual(update(...links), ['added Ana']);
    assert.deepEqual(update(...links.toReversed()), []);
    const [ana] = roster.list();
    assert.equal(ana?.version, '408');
    assert.deepEqual(ana?.addresses.map(({ host }) => host).toSorted(), ['10.0.0.1', '10.1.0.1', 'fe80::1%eth0']);
    assert.equal(ana?.addresses.at(-1)?.host, 'fe80::1%eth0');
  });

  it('keeps apart two of one name on two networks, for as long as each is near', () => {
    update(seen('a', ['10.0.0.1']));
    assert.deepEqual(update(seen('a', ['10.0.0.1']), seen('b', ['10.1.0.1'])), ['added Ana [b]']);
    assert.deepEqual(update(seen('b', ['10.1.0.1'], { heard: 99 }), seen('a', ['10.0.0.1'])), []);
    assert.deepEqual(update(seen('b', ['10.1.0.1'])), ['removed Ana']);
    assert.equal(roster.keyOf('Ana [b]'), 'ana');
    assert.equal(roster.keyOf('Ana'), null);
    assert.deepEqual(update(seen('b', ['10.1.0.1']), seen('c', ['10.0.0.9'])), ['added Ana']);
  });

  it('takes a laptop that started anew for the same neighbour', () => {
    update(seen('a', ['10.0.0.1']));
    // Told, because only its new host can vouch for it.
    assert.deepEqual(update(seen('b', ['10.0.0.1'])), ['changed Ana']);
    assert.equal(roster.list()[0]?.host, 'b');
    assert.deepEqual(update(seen('b', ['10.0.0.1'], { heard: 7 })), []);
  });
});
