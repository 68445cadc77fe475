/** Two made-up root file systems, one release apart, with everything that a Linux file system can hold. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Writes below one folder; names are latin1 strings in which each character is one byte. */
class Tree {
  constructor(
    private readonly root: string,
    /** Owners other than ourselves and device nodes take root. */
    private readonly asRoot: boolean,
  ) {
    mkdirSync(root, { recursive: true });
    chmodSync(root, 0o755);
  }

  private at(path: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.root}/`), Buffer.from(path, 'latin1')]);
  }

  dir(path: string, mode = 0o755): void {
    mkdirSync(this.at(path), { recursive: true });
    chmodSync(this.at(path), mode);
  }

  file(path: string, content: string | Buffer, mode = 0o644, uid = 0, gid = 0): void {
    const parent = dirname(path);
    if (parent !== '.') mkdirSync(this.at(parent), { recursive: true });
    writeFileSync(this.at(path), content);
    if (this.asRoot) lchownSync(this.at(path), uid, gid);
    // After the owner: a change of owner takes setuid away.
    chmodSync(this.at(path), mode);
  }

  mode(path: string, mode: number): void {
    chmodSync(this.at(path), mode);
  }

  owner(path: string, uid: number, gid: number): void {
    if (this.asRoot) lchownSync(this.at(path), uid, gid);
  }

  symlink(path: string, target: string): void {
    symlinkSync(Buffer.from(target, 'latin1'), this.at(path));
  }

  hardlink(path: string, existing: string): void {
    linkSync(this.at(existing), this.at(path));
  }

  device(path: string, type: 'b' | 'c', major: number, minor: number): void {
    if (!this.asRoot) return;
    execFileSync('mknod', [`${this.root}/${path}`, type, String(major), String(minor)]);
    chmodSync(this.at(path), 0o620);
  }

  fifo(path: string): void {
    execFileSync('mkfifo', ['-m', '640', `${this.root}/${path}`]);
  }

  remove(path: string): void {
    rmSync(`${this.root}/${path}`, { recursive: true, force: true });
  }

  unlink(path: string): void {
    unlinkSync(this.at(path));
  }

  read(path: string): Buffer {
    return readFileSync(this.at(path));
  }
}

/** Not compressible and the same on every run: a linear congruential generator (Numerical Recipes). */
function noise(bytes: number, seed: number): Buffer {
  const data = Buffer.alloc(bytes);
  let state = seed >>> 0;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[at] = state >>> 24;
  }
  return data;
}

/** What both releases have, as the first one has it. */
function fillFirst(tree: Tree): void {
  tree.file('etc/os-release', 'NAME=made-up\nVERSION=1\n');
  tree.file('etc/shadow', 'root:*:1::::::\n', 0o640, 0, 42);
  tree.file('etc/empty-one', '');
  tree.file('etc/empty-two', '');
  tree.file('usr/bin/passwd', 'a program that needs to be root\n', 0o4755);
  tree.file('usr/bin/wall', 'a program of a group\n', 0o2755, 0, 5);
  tree.file('usr/bin/plain', 'a program\n', 0o755);
  tree.file('usr/lib/kernel.img', noise(3_000_000, 1));
  tree.file('usr/lib/moved-by-one-byte', noise(200_000, 2));
  for (let number = 0; number < 300; number++) {
    tree.file(`usr/share/doc/package-${number}/copyright`, `package ${number}, version 1\n`);
  }
  // systemd has such names; people have the others.
  tree.file('usr/lib/systemd/system-systemd\\x2dcryptsetup.slice', '[Unit]\n');
  tree.file('usr/share/\xff\xfe not UTF-8', 'bytes are names too\n');
  tree.file('usr/share/two\nlines', 'even this\n');
  tree.file('usr/share/.git', 'a name that git itself would refuse\n');
  tree.dir('var/empty', 0o700);
  tree.dir('tmp', 0o1777);
  tree.symlink('bin', 'usr/bin');
  tree.symlink('etc/nowhere', '/does/not/\xfc exist');
  tree.file('usr/share/zone/Lisbon', 'WET\n');
  tree.hardlink('usr/share/zone/Portugal', 'usr/share/zone/Lisbon');
  tree.hardlink('usr/share/zone/Old', 'usr/share/zone/Lisbon');
  tree.file('usr/lib/python/module.py', 'print(1)\n');
  tree.dir('dev');
  tree.device('dev/console', 'c', 5, 1);
  tree.device('dev/sda', 'b', 8, 0);
  tree.fifo('dev/initctl');
  tree.file('var/lib/owned', 'somebody has this\n', 0o600, 101, 102);
  tree.owner('var/empty', 65534, 65534);
}

/** The next release: one change of each kind. */
function changeToSecond(tree: Tree): void {
  tree.file('etc/os-release', 'NAME=made-up\nVERSION=2\n');
  tree.file('etc/new', 'new in two\n', 0o600);
  tree.file('etc/empty-two', 'no longer empty\n');
  // Contents stay, attributes change: both ways.
  tree.mode('usr/bin/plain', 0o4711);
  tree.mode('usr/bin/passwd', 0o755);
  tree.owner('usr/bin/wall', 7, 7);
  tree.mode('var/empty', 0o755);
  const shifted = tree.read('usr/lib/moved-by-one-byte');
  tree.file('usr/lib/moved-by-one-byte', Buffer.concat([Buffer.from('!'), shifted]));
  for (let number = 0; number < 300; number += 2) {
    tree.file(`usr/share/doc/package-${number}/copyright`, `package ${number}, version 2\n`);
  }
  for (let number = 1; number < 300; number += 30) tree.remove(`usr/share/doc/package-${number}`);
  // Types change: file to link, link to folder, folder to file.
  tree.unlink('etc/empty-one');
  tree.symlink('etc/empty-one', 'empty-two');
  tree.unlink('bin');
  tree.file('bin/sh', 'a shell\n', 0o755);
  tree.remove('tmp');
  tree.file('tmp', 'a file now\n');
  tree.unlink('etc/nowhere');
  tree.symlink('etc/nowhere', '/elsewhere');
  // A group of hard links falls apart, another comes to be.
  tree.unlink('usr/share/zone/Old');
  tree.file('usr/share/zone/Old', 'WET\n');
  tree.hardlink('usr/bin/plain-too', 'usr/bin/plain');
  tree.unlink('usr/share/\xff\xfe not UTF-8');
  tree.file('usr/share/\xfe\xff not UTF-8 either', 'bytes are names too\n');
  tree.file('usr/lib/systemd/system-systemd\\x2dcryptsetup.slice', '[Unit]\nDescription=changed\n');
  tree.remove('dev/sda');
  tree.device('dev/sda', 'b', 8, 16);
  tree.device('dev/null', 'c', 1, 3);
  tree.unlink('dev/initctl');
}

export function makeRootTrees(first: string, second: string, asRoot: boolean): void {
  fillFirst(new Tree(first, asRoot));
  const next = new Tree(second, asRoot);
  fillFirst(next);
  changeToSecond(next);
}
