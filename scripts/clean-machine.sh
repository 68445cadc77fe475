#!/usr/bin/env bash
# Runs a command in a fresh clone on a clean Debian 12 that has Node and nothing else:
#
#   scripts/clean-machine.sh [--user] [--keep] COMMAND…      e.g. scripts/clean-machine.sh npm test
#
# This is how the lists in packages.mjs are proven. The machine is a chroot under $TMPDIR, made by mmdebstrap from this
# machine's own apt sources, with this machine's Node; it is removed afterwards, but with --keep. The clone is of what
# is committed. --user runs as an ordinary user who has sudo. HOME is empty, there is no display and no input.
set -euo pipefail

fail() { echo "clean-machine.sh: $*" >&2; exit 1; }

who=root keep=no
while :; do
  case "${1:-}" in
    --user) who=child; shift ;;
    --keep) keep=yes; shift ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || { sed -n '4p' "$0" >&2; exit 2; }
[ "$(id -u)" = 0 ] || fail "a chroot needs root"
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt-get install mmdebstrap"

top=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d -t clean-machine.XXXXXX)
clean_up() {
  if [ "$keep" = yes ]; then echo "kept: $root"; else rm -rf --one-file-system "$root"; fi
}
trap clean_up EXIT

include=()
[ "$who" = root ] || include=(--include=sudo)
echo "clean machine in $root …"
apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u |
  mmdebstrap --quiet --mode=root --variant=minbase --format=directory "${include[@]}" \
    --aptopt='Acquire::Languages "none"' bookworm "$root" -

# Node as it is here: the program, npm, and its headers if it came with them.
prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
mkdir -p "$root/usr/local"/{bin,lib/node_modules,include}
cp "$prefix/bin/node" "$root/usr/local/bin/"
cp -r "$prefix/lib/node_modules/npm" "$root/usr/local/lib/node_modules/"
if [ -d "$prefix/include/node" ]; then cp -r "$prefix/include/node" "$root/usr/local/include/"; fi
for name in npm npx; do
  ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$root/usr/local/bin/$name"
done
# The way to the network is this machine's: names, and the authority it trusts.
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
certificates=()
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
  cp -L "$NODE_EXTRA_CA_CERTS" "$root/usr/local/share/network-authority.crt"
  certificates=(NODE_EXTRA_CA_CERTS=/usr/local/share/network-authority.crt)
fi

home=/root
if [ "$who" != root ]; then
  home=/home/$who
  chroot "$root" useradd --create-home --skel /nonexistent --shell /bin/bash "$who"
  echo "$who ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$who"
fi
mkdir -p "$root$home"
find "$root$home" -mindepth 1 -delete
git clone --quiet --no-hardlinks "$top" "$root/srv/pass-it-on"
chroot "$root" chown -R "$who:" "$home" /srv/pass-it-on

# A mount and a process namespace, so that nothing of it outlives it.
inside='
  set -e
  root=$1 who=$2
  shift 2
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount -t devtmpfs devtmpfs "$root/dev" 2>/dev/null || mount --bind /dev "$root/dev"
  mkdir -p "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
  mount -t tmpfs tmpfs "$root/dev/shm"
  # A root of its own, no mere chroot: the tests make namespaces, which the kernel refuses to who was chrooted.
  cd "$root"
  pivot_root . .
  umount -l .
  exec chroot --userspec="$who" / env -i "$@"
'
unshare --mount --pid --fork --kill-child --propagation private bash -c "$inside" - "$root" "$who" \
  HOME="$home" USER="$who" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 CI=true \
  "${certificates[@]}" sh -c 'cd /srv/pass-it-on && exec "$@"' - "$@" </dev/null
