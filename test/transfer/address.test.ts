import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, formatWebFolder, parseAddress, parseWebFolder } from '../../src/transfer/address';

test('addresses in all their forms', () => {
  assert.deepEqual(parseAddress('10.0.0.7:1234'), { host: '10.0.0.7', port: 1234 });
  assert.deepEqual(parseAddress('10.0.0.7'), { host: '10.0.0.7', port: 20707 });
  assert.deepEqual(parseAddress('[fe80::1%wlan0]:20707'), { host: 'fe80::1%wlan0', port: 20707 });
  assert.deepEqual(parseAddress('http://school.local:8080/'), { host: 'school.local', port: 8080 });
});

test('what is formatted can be parsed', () => {
  for (const address of [
    { host: 'fe80::1%eth0', port: 1 },
    { host: '127.0.0.1', port: 65535 },
  ]) {
    assert.deepEqual(parseAddress(formatAddress(address)), address);
  }
});

test('what is no address is refused as wrong usage', () => {
  for (const text of ['', ':80', 'a b:1', '10.0.0.7:0', '10.0.0.7:99999', 'fe80::1', 'http://x/path']) {
    assert.throws(() => parseAddress(text), { code: 'usage' }, text);
  }
});

test('a URL is a folder of files, but for a port without a path', () => {
  const cases: [string, string | null][] = [
    ['http://school.local', 'http://school.local/'],
    ['http://school.local/images', 'http://school.local/images/'],
    ['https://school.local:8443/a/b//', 'https://school.local:8443/a/b/'],
    ['https://school.local:443/a', 'https://school.local/a/'],
    ['http://[fe80::1%eth0]/x', 'http://[fe80::1%eth0]/x/'],
    ['http://school.local:8080/', null],
    ['10.0.0.7:1234', null],
    ['ftp://school.local/', null],
    ['http://me@school.local/', null],
  ];
  for (const [text, folder] of cases) {
    const parsed = parseWebFolder(text);
    assert.equal(parsed && formatWebFolder(parsed), folder, text);
    if (folder !== null) assert.deepEqual(parseWebFolder(folder), parsed);
  }
  assert.throws(() => parseWebFolder('http://a b/'), { code: 'usage' });
});
