/** A socket that systemd listens at for us, by a unit of its own (systemd.socket(5), sd_listen_fds(3)). */

/** SD_LISTEN_FDS_START */
const FIRST = 3;

/** Its file descriptor, or null where none was passed to this process. To be called once: what we start must not take it for its own. */
export function passedSocket(): number | null {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete process.env[name];
  return LISTEN_PID === String(process.pid) && Number(LISTEN_FDS) >= 1 ? FIRST : null;
}
