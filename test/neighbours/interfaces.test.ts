import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { describe, it } from 'node:test';
import { currentInterfaces, isOnLink, type NetworkInterface, reachable } from '../../src/neighbours/interfaces';

function wlan(): NetworkInterface {
  const subnets = new BlockList();
  subnets.addSubnet('192.168.5.0', 24, 'ipv4');
  subnets.addSubnet('fe80::', 64, 'ipv6');
  subnets.addSubnet('2001:db8:1::', 64, 'ipv6');
  return { name: 'wlan0', index: 3, v4: ['192.168.5.9'], v6: ['fe80::9'], subnets, flaps: 1 };
}

describe('an address on the link', () => {
  it('is one of its subnets, or link-local: with the zone where it is IPv6', () => {
    for (const [address, asked] of [
      ['192.168.5.77', '192.168.5.77'],
      ['169.254.3.4', '169.254.3.4'],
      ['fe80::1', 'fe80::1%wlan0'],
      ['2001:db8:1::7', '2001:db8:1::7'],
      ['192.168.6.77', null],
      ['8.8.8.8', null],
      ['127.0.0.1', null],
      ['::1', null],
      ['2001:db8:2::7', null],
      ['::ffff:8.8.8.8', null],
    ] as const) {
      assert.equal(reachable(wlan(), address), asked, address);
    }
  });

  it('sends packets that are taken; those of other interfaces and from behind a router are not', () => {
    for (const [source, taken] of [
      ['192.168.5.77', true],
      ['169.254.3.4', true],
      ['fe80::1%wlan0', true],
      ['fe80::1%eth0', false],
      ['fe80::1', false],
      ['2001:db8:1::7', true],
      ['2001:db8:2::7', false],
      ['192.168.6.77', false],
      ['8.8.8.8', false],
    ] as const) {
      assert.equal(isOnLink(wlan(), source), taken, source);
    }
  });
});

describe('the interfaces of this machine', () => {
  it('include lo only where it is asked for', () => {
    assert.ok(!currentInterfaces(null, false).some(({ name }) => name === 'lo'));
    const lo = currentInterfaces(null, true).find(({ name }) => name === 'lo');
    assert.deepEqual(lo?.v4, ['127.0.0.1']);
    assert.deepEqual(
      currentInterfaces(['lo'], false).map(({ name }) => name),
      ['lo'],
    );
  });
});
