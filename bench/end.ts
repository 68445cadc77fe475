/** A bench is done when its work is, whatever a library keeps open; what went wrong is said, and is its exit status. */
export function end(work: Promise<void>): void {
  work.then(
    () => process.exit(0),
    error => {
      process.stderr.write(`${error instanceof Error ? error.stack : JSON.stringify(error)}\n`);
      process.exit(1);
    },
  );
}
