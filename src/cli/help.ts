export const HELP = `Pass It On: upgrades this laptop from its neighbours, any version to any other.

  pass-it-on publish DIR --name N --version V [--time SECONDS] [--root-owned] [--no-xattrs]
                     [--sign-with KEY] [--minimum-version V] [--journal-format NUMBER]
                     [--release-notes TEXT|@FILE]
                                       import a root file system as an image into the store
  pass-it-on use VERSION               make a held image the current one
  pass-it-on serve [--port P] [--interface IF] [--nick NAME] [--colors '#RRGGBB,#RRGGBB']
                   [--rate BYTES-PER-SECOND] [--linger SECONDS]
                                       announce and share this laptop's images
  pass-it-on neighbours [--wait SECONDS] [--watch] [--compare] [--from ADDRESS]...
                                       who is near, and which version they have; with --watch
                                       every change, until interrupted; with --compare also who
                                       has signed it and how much there is to fetch
  pass-it-on compare VERSION|ADDRESS [--from ADDRESS]...
                                       what would change, and how much to fetch
  pass-it-on upgrade VERSION [--from ADDRESS]... [--wait SECONDS] [--effort auto|bytes|speed]
                                       compare, fetch, check and stage a version, newer or older
  pass-it-on status                    the images here, and a running upgrade
  pass-it-on activate [--restart]      the staged image becomes the current one
  pass-it-on go-back [--restart]       the previous image becomes the current one
  pass-it-on verify [VERSION] [--repair] [--from ADDRESS]...
                                       every path of a held image against its manifest; mend what differs
  pass-it-on manifest [VERSION]        all paths of a held image, for mtree(8)
  pass-it-on adopt VERSION --root DIR [--from ADDRESS]... [--wait SECONDS] [--effort E]
                                       fill the store of a laptop that runs VERSION already, from its own files
  pass-it-on export DIR [VERSION]...   write images as a git repository for any web server or a USB stick
  pass-it-on remove VERSION            drop an image that is not in use
  pass-it-on gc                        drop all that are not current, previous, staged, served or fetched

Everywhere: --store DIR (default: in your data folder, or PASS_IT_ON_STORE), --json, --help.
VERSION is 407, olpc-xo/407 or 7 or more digits of a commit. ADDRESS is host:port, [v6%zone]:port, or\nan exported folder (/media/stick/images, ./images, https://school.example/images/).
Exit status: 0 done, 1 refused or failed, 2 wrong usage.
`;
