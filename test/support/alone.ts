/** A network of its own for a program on loopback: laptops of other tests, or of this machine's own demo, are not near. */

/** Program and arguments that run the given ones in a network namespace with nothing but `lo`. */
export function alone(program: string, ...args: string[]): [program: string, args: string[]] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user', '--keep-caps'];
  return ['unshare', [...user, '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', program, ...args]];
}
