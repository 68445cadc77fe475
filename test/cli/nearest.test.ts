import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../src/cli/nearest';

const WORDS = ['upgrade', 'use', 'status', 'go-back', 'gc'];

test('a word that is a letter or two off is found, and a word that is not is left alone', () => {
  for (const [typed, meant] of [
    ['upgrad', 'upgrade'],
    ['upgarde', 'upgrade'],
    ['uppgrade', 'upgrade'],
    ['stats', 'status'],
    ['goback', 'go-back'],
    ['upgrade', 'upgrade'],
    ['fly', null],
    ['x', null],
    ['', null],
  ] as const) {
    assert.equal(nearest(typed, WORDS), meant, typed);
  }
});
