/** Random attributes, within the ranges that the format allows. */
import fc from 'fast-check';
import type { Attributes, AttributesMap } from '../../src/core/attributes';
import { name } from './arbitraries';

const xattrName = fc
  .tuple(fc.constantFrom('user.', 'security.', 'trusted.', 'system.'), name)
  .map(both => both.join(''));
const special = fc.constantFrom<Pick<Attributes, 'type' | 'device'>>(
  {},
  { type: 'fifo' },
  { type: 'char', device: { major: 4095, minor: 1048575 } },
  { type: 'block', device: { major: 0, minor: 0 } },
);
export const attributes: fc.Arbitrary<Attributes> = fc
  .tuple(
    special,
    fc.record(
      {
        mode: fc.nat({ max: 0o7777 }),
        uid: fc.oneof(fc.constantFrom(0, 1000), fc.nat({ max: 4294967294 })),
        gid: fc.nat({ max: 4294967294 }),
        time: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: -(2 ** 31), max: 2 ** 34 - 1 })),
        hardlink: fc.nat({ max: 5 }),
        xattrs: fc.dictionary(
          xattrName,
          fc.uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes)),
          { maxKeys: 3, noNullPrototype: true },
        ),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
  )
  .map(both => ({ ...both[0], ...both[1] }));
const path = fc.array(name, { maxLength: 3 }).map(names => names.join('/'));
/** Paths that need not belong together: `a` a device and `a/b` there, too. */
export const attributesMap: fc.Arbitrary<AttributesMap> = fc
  .uniqueArray(fc.tuple(path, attributes), { selector: ([at]) => at, maxLength: 10 })
  .map(list => new Map(list));
