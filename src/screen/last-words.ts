/**
 * Imported first: what nobody caught ends the program with one plain line where we know what it is, as when GTK is not
 * installed, and with its stack where it is a defect of ours.
 */
import { PassItOnError } from '../core/errors';

export function lastWords(thrown: unknown): string {
  if (thrown instanceof PassItOnError) return `${thrown.code}: ${thrown.message} ${thrown.remedy}`;
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

process.on('uncaughtException', thrown => {
  process.stderr.write(`${lastWords(thrown)}\n`);
  process.exit(1);
});
