/** Import first: what is root becomes nobody before any other module looks who it is. */
if (process.geteuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(65534);
  process.setuid?.(65534);
}
process.umask(0o022);
