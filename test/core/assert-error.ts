import assert from 'node:assert/strict';
import { type ErrorCode, PassItOnError } from '../../src/core/errors';

/** For assert.throws and assert.rejects: our error, with this code, a sentence that matches, and a remedy. */
export function withCode(code: ErrorCode, message: RegExp = /./): (thrown: unknown) => true {
  return thrown => {
    assert.ok(thrown instanceof PassItOnError, `not one of our errors: ${thrown}`);
    assert.equal(thrown.code, code);
    assert.match(thrown.message, message);
    assert.match(thrown.message, /[.?!]$/);
    assert.match(thrown.remedy, /\S/);
    return true;
  };
}
