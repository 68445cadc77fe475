// The Debian packages that each purpose needs, by name, and why. Each list was proven on a machine that had nothing
// else (scripts/clean-machine.sh): add what a clean machine misses, remove what nothing uses.

export const PACKAGES = {
  build: {
    why: 'to compile node-gtk, which connects JavaScript to GTK',
    names: ['g++', 'make', 'python3', 'pkg-config', 'libgirepository1.0-dev', 'libcairo2-dev'],
  },
  run: {
    why: 'for the screen: GTK, its typelibs, Sugar’s theme and icons, a font; for images: extended attributes',
    names: [
      'attr',
      'gir1.2-gtk-3.0',
      'gir1.2-rsvg-2.0',
      'gir1.2-sugarext-1.0',
      'libgirepository-1.0-1',
      'libcairo-gobject2',
      'libharfbuzz-gobject0',
      'librsvg2-common',
      'sugar-themes',
      'sugar-icon-theme',
      'adwaita-icon-theme',
      'fonts-dejavu-core',
    ],
  },
  demo: {
    why: 'for the demo: ssh-keygen, with which its school signs its images',
    names: ['openssh-client'],
  },
  headless: {
    why: 'for a display and a session bus of its own, because there is no display here',
    names: ['xvfb', 'dbus-daemon'],
  },
  test: {
    why: 'for the tests: the real git, rsync, avahi and Sugar shell to test against',
    names: [
      // The oracles: what git, rsync, mtree, ssh-keygen and gettext say is what must be so.
      'git',
      'rsync',
      'mtree-netbsd',
      'openssh-client',
      'gettext',
      // What an image must keep, made and looked at by others: ACLs, capabilities; Python finds its compiled files.
      'acl',
      'libcap2-bin',
      'python3',
      // Laptops in network namespaces, and avahi as the neighbour that somebody else wrote.
      'iproute2',
      'avahi-daemon',
      'avahi-utils',
      // A lid that was closed: a wall clock that ran on.
      'libfaketime',
      // Whether others can read our packets: tshark says which are malformed.
      'tshark',
      // A web server that knows nothing of us, over an exported folder.
      'nginx-light',
      // A person at the screen: keys, what was copied, and pictures; and the accessibility bus.
      'xdotool',
      'x11-utils',
      'xclip',
      'imagemagick',
      'at-spi2-core',
      'gir1.2-atspi-2.0',
      'python3-gi',
      // The real Sugar shell, which unpacks our bundle with unzip.
      'sugar-session',
      'python3-carquinyol',
      'telepathy-mission-control-5',
      'unzip',
    ],
    // Beside which laptops are tried as well. Installed, it would take over /etc/resolv.conf: its test only unpacks it.
    fetched: ['systemd-resolved'],
  },
  bundle: {
    why: 'to pack the bundle that Sugar installs',
    names: ['zip'],
  },
  bench: {
    why: 'to build real Debian trees, and to measure beside and judge by what others have made',
    names: [
      'mmdebstrap',
      'rsync',
      'ostree',
      'git',
      'casync',
      'nginx-light',
      'curl',
      'xdelta3',
      'bsdiff',
      'bzip2',
      'zstd',
      'mtree-netbsd',
      'attr',
      'iproute2',
      'time',
    ],
  },
};

/** The names that these purposes need, each once. */
export function packagesFor(purposes) {
  return [...new Set(purposes.flatMap(purpose => PACKAGES[purpose].names))];
}
