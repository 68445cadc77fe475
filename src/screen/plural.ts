/** A catalogue's `Plural-Forms`: a C expression over n (gettext manual, "Plural forms"), evaluated without eval. */

export interface PluralRule {
  forms: number;
  /** Which form goes with n; below `forms`. */
  form(n: number): number;
}

type Expression = (n: number) => number;

/** Binary operators, the loosest first. */
const LEVELS: Record<string, (a: number, b: number) => number>[] = [
  { '||': (a, b) => Number(a !== 0 || b !== 0) },
  { '&&': (a, b) => Number(a !== 0 && b !== 0) },
  { '==': (a, b) => Number(a === b), '!=': (a, b) => Number(a !== b) },
  {
    '<=': (a, b) => Number(a <= b),
    '>=': (a, b) => Number(a >= b),
    '<': (a, b) => Number(a < b),
    '>': (a, b) => Number(a > b),
  },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  {
    '*': (a, b) => a * b,
    '/': (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
    '%': (a, b) => (b === 0 ? 0 : a % b),
  },
];

/** `nplurals=2; plural=n != 1;` @throws Error where it is no such rule */
export function parsePlural(told: string): PluralRule {
  const [, count, expression] = /nplurals\s*=\s*(\d+)\s*;\s*plural\s*=([^;]+)/.exec(told) ?? [];
  if (count === undefined || expression === undefined) throw new Error(`no rule for plurals: ${told}`);
  const forms = Number(count);
  const tokens = expression.match(/\d+|n|[=!<>]=|&&|\|\||\S/g) ?? [];
  let at = 0;
  const take = (token: string) => {
    if (tokens[at] !== token) throw new Error(`"${token}" is missing in ${expression}`);
    at++;
  };

  function choice(): Expression {
    const test = binary(0);
    if (tokens[at] !== '?') return test;
    take('?');
    const yes = choice();
    take(':');
    const no = choice();
    return n => (test(n) !== 0 ? yes(n) : no(n));
  }

  function binary(level: number): Expression {
    const operators = LEVELS[level];
    if (!operators) return unary();
    let left = binary(level + 1);
    for (let operator = operators[tokens[at] ?? '']; operator; operator = operators[tokens[at] ?? '']) {
      at++;
      const [a, b, apply] = [left, binary(level + 1), operator];
      left = n => apply(a(n), b(n));
    }
    return left;
  }

  function unary(): Expression {
    const token = tokens[at++] ?? '';
    if (token === 'n') return n => n;
    if (/^\d+$/.test(token)) return () => Number(token);
    if (token === '!') {
      const operand = unary();
      return n => Number(operand(n) === 0);
    }
    if (token !== '(') throw new Error(`"${token}" is not understood in ${expression}`);
    const inner = choice();
    take(')');
    return inner;
  }

  const rule = choice();
  if (at !== tokens.length) throw new Error(`"${tokens[at]}" is too much in ${expression}`);
  return { forms, form: n => Math.min(forms - 1, Math.max(0, rule(Math.abs(Math.trunc(n))))) };
}
