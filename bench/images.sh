#!/usr/bin/env bash
# Builds real Debian root trees to measure with, from this machine's own apt sources:
#
#   bench/images.sh [small|full] OUTDIR [v1 v2 v3]
#
#   v1  Debian 12 as released        (bookworm)
#   v2  the same, with its updates   (bookworm, -updates, -security): one point release on
#   v3  the next release             (trixie)
#
# `small` is the least that apt can upgrade (about 165 MB, 6,900 files); `full` is Debian with the Sugar desktop
# (about 1.8 GB, 39,000 files). A tree that is there already is kept. Needs root: owners and device nodes are real.
set -euo pipefail

fail() { echo "images.sh: $*" >&2; exit 1; }

size=small
case "${1:-}" in small | full) size=$1; shift ;; esac
[ $# -ge 1 ] || { sed -n '4p' "$0" >&2; exit 2; }
out=$1
shift
[ $# -gt 0 ] || set -- v1 v2 v3
[ "$(id -u)" = 0 ] || fail "owners and device nodes need root: sudo $0 $size $out $*"
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt-get install mmdebstrap"

# What turns the least into a Sugar laptop: the desktop, a kernel, a login, a network.
sugar_desktop=(
  sucrose sugar-session linux-image-amd64 initramfs-tools zstd systemd-sysv udev dbus dbus-user-session
  network-manager lightdm lightdm-gtk-greeter xserver-xorg-core xserver-xorg-input-libinput iputils-ping sudo
  openssh-server locales ca-certificates fonts-dejavu-core kbd less nano rsync man-db
)

# apt itself says where a suite comes from, however its sources are written (one-line or deb822).
mirror_of() {
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk -v suite="$1" '$1 == suite { print $2; exit }'
}
main_mirror=$(mirror_of bookworm)
if [ -z "$main_mirror" ]; then
  apt-get update -q >&2
  main_mirror=$(mirror_of bookworm)
fi
[ -n "$main_mirror" ] || fail "this machine's apt sources have no Debian 12 (bookworm) to copy the mirror from"
security_mirror=$(mirror_of bookworm-security)

sources_of() {
  case "$1" in
    v1) echo "deb $main_mirror bookworm main" ;;
    v2)
      [ -n "$security_mirror" ] || fail "this machine's apt sources have no bookworm-security"
      echo "deb $main_mirror bookworm main"
      echo "deb $main_mirror bookworm-updates main"
      echo "deb $security_mirror bookworm-security main"
      ;;
    v3) echo "deb $main_mirror trixie main" ;;
    *) fail "no such tree: $1 (v1, v2, v3)" ;;
  esac
}

suite_of() { [ "$1" = v3 ] && echo trixie || echo bookworm; }

# What belongs to one machine or one moment, and is no part of an image.
empty_what_is_not_image() {
  local root=$1 folder
  for folder in var/cache/apt var/lib/apt/lists var/log run tmp var/tmp; do
    [ -d "$root/$folder" ] && find "$root/$folder" -xdev ! -type d -delete
  done
  # /run is a memory disk on a real machine; folders below it only exist while something runs.
  find "$root/run" "$root/tmp" -xdev -mindepth 1 -delete
  [ ! -e "$root/etc/machine-id" ] || : >"$root/etc/machine-id"
  rm -f "$root"/var/lib/dbus/machine-id "$root"/etc/ssh/ssh_host_* "$root"/var/lib/systemd/random-seed
  # mmdebstrap copies these two from the machine it runs on.
  rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
}

mkdir -p "$out"
out=$(cd "$out" && pwd)
for tree in "$@"; do
  if [ -d "$out/$tree" ]; then
    echo "$out/$tree is there already"
    continue
  fi
  sources=$(sources_of "$tree")
  packages=()
  if [ "$size" = full ]; then packages=(--include="$(IFS=,; echo "${sugar_desktop[*]}")"); fi
  # Built beside its place and renamed, so that "it is there" means "it is whole".
  rm -rf --one-file-system "$out/$tree.part"
  echo "building $size $tree in $out …"
  mmdebstrap --quiet --mode=root --variant=minbase --format=directory "${packages[@]}" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    "$(suite_of "$tree")" "$out/$tree.part" - <<<"$sources"
  empty_what_is_not_image "$out/$tree.part"
  mv "$out/$tree.part" "$out/$tree"
  echo "$out/$tree: $(du -sh "$out/$tree" | cut -f1), $(find "$out/$tree" -type f | wc -l) files," \
    "$(find "$out/$tree" -type d | wc -l) folders"
done
