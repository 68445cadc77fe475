/**
 * What the service offers to the screen and the command line: JSON-RPC 2.0 over a Unix socket.
 * `Methods` are requests, `Events` are notifications from the service. Field names are also those of `--json`:
 * add freely, rename never. A field `xSaid` is the plain sentence `x` by code and values, for other languages; left out
 * where there is none.
 */
import type { ErrorReport } from '../core/errors';
import type { Sentence } from '../core/sentences';
import type { relation } from '../core/versions';
import type { EffortWish } from '../transfer/effort';
import type { Step } from '../upgrade/steps';

export { EFFORTS, type EffortWish, isEffort } from '../transfer/effort';

export interface ImageInfo {
  name: string;
  version: string;
  /** 40 hex digits. */
  commit: string;
  /** ISO 8601, UTC. */
  releaseTime: string;
  /** Whose signature it has, by a key that this laptop trusts; null otherwise. */
  signedBy: string | null;
  /** Sum of the sizes of all regular files, in bytes. */
  bytes: number;
}

/** newer | older: same name, other version; different: same version, other commit; other: another image name. */
export type Relation = ReturnType<typeof relation>;

export interface Neighbour {
  /** Unique among the neighbours shown now; stable while the neighbour is near. */
  id: string;
  /**
   * laptop: one like this; server: a web server that holds exported images; stick: a folder on something that was
   * plugged in; folder: another folder.
   */
  kind: 'laptop' | 'server' | 'stick' | 'folder';
  /** Cleaned for display; '' if it does not share a name. */
  nick: string;
  /** XO colours [stroke, fill] as #RRGGBB; null if not shared. */
  colors: [string, string] | null;
  /** Where to ask it: `host:port`, a URL, or the absolute path of a folder. */
  address: string;
  /** Image name. */
  image: string;
  version: string;
  commit: string;
  relation: Relation;
  /** ISO 8601, UTC. */
  lastSeen: string;
  /** It answered when it was asked last, and has what it announces: it can give. */
  confirmed: boolean;
  /** A plain sentence about what is wrong with it, for example that it does not answer; null: nothing is known. */
  problem: string | null;
  problemSaid?: Sentence;
  /** Who signed what it has, once that was read here: null, nobody whom this laptop trusts. Left out: not known yet. */
  signedBy?: string | null;
}

export type NeighbourEvent = Neighbour & { event: 'added' | 'changed' | 'removed' };

export interface Plan {
  from: ImageInfo | null;
  to: ImageInfo;
  /** What `to` is to `from`. */
  relation: Relation;
  /** As in `to`. */
  signedBy: string | null;
  /** Why this laptop will not take the image; null when it will. */
  trustProblem: ErrorReport | null;
  /** Plain sentences to read before taking it. */
  warnings: string[];
  warningsSaid?: Sentence[];
  /** That newer entries of the Journal may not show with it; null where nothing speaks for that. */
  journalWarning: string | null;
  journalWarningSaid?: Sentence | null;
  /** What its makers say of it; may have several lines. */
  releaseNotes: string | null;
  /** Its makers want nobody below this version any more. */
  minimumVersion: string | null;
  /** Paths. */
  added: number;
  changed: number;
  removed: number;
  /** Paths whose content stays and whose owner, mode, time… changes. */
  attributesChanged: number;
  /** Blobs to fetch, and their size before compression, in bytes. */
  objects: number;
  bytesRaw: number;
  /** What staging will take on this disk, in bytes; and what is free now. */
  diskBytes: number;
  diskFree: number;
  /** How long it will take from these sources, after what was measured here. */
  seconds?: number | null;
  /** Nothing was measured that says something of these sources: the time is a guess. */
  secondsAreRough?: boolean;
  /** Who can give this image. */
  sources: SourceInfo[];
}

export interface SourceInfo {
  address: string;
  nick: string;
  /** Bytes received from it so far (0 in a plan). */
  bytes: number;
  state: 'idle' | 'giving' | 'gone';
}

export type { Step };

export interface Progress {
  step: Step;
  filesDone: number;
  filesTotal: number;
  /** Raw (uncompressed) bytes of the step; what an earlier run has brought counts. */
  bytesDone: number;
  bytesTotal: number;
  /** Of the whole upgrade, from 0 to 1; never runs back, and goes on where it was after a stop. */
  part: number;
  /** Raw bytes a second, smoothed; 0 while unknown. */
  rate: number;
  /** null while unknown; never jumps back up by noise. */
  secondsLeft: number | null;
  /** Bytes received from the network so far. */
  bytesReceived: number;
  sources: SourceInfo[];
  /** True while all sources are gone and we look for another. */
  waiting: boolean;
}

/** The one upgrade that runs, or ran last and is not finished with. */
export interface UpgradeState {
  to: ImageInfo;
  from: ImageInfo | null;
  state: 'running' | 'stopped' | 'failed' | 'staged';
  progress: Progress;
  error: ErrorReport | null;
}

export interface Status {
  current: ImageInfo | null;
  previous: ImageInfo | null;
  staged: ImageInfo | null;
  images: ImageInfo[];
  upgrade: UpgradeState | null;
  /** This laptop as others see it. */
  nick: string;
  colors: [string, string] | null;
  store: string;
  /** On the disk of the store, for us; bytes. */
  diskFree: number;
  /** Whether neighbours can fetch from us now, and on which port. */
  serving: boolean;
  port: number | null;
  /** True where an activation hook can restart into the staged image. */
  canRestart: boolean;
  /** Plain sentences about what does not work or is not safe now (for example: multicast failed on wlan0). */
  warnings: string[];
  warningsSaid?: Sentence[];
  /** Plain sentences to read before going back to `previous`. */
  goBackWarnings: string[];
  goBackWarningsSaid?: Sentence[];
  /** Another image has become the current one, and nobody has read that yet: which version was before. */
  arrived?: { before: string; back: boolean; releaseNotes: string | null } | null;
}

export interface UpgradeResult {
  result: 'staged';
  version: string;
  commit: string;
  signedBy: string | null;
  warnings: string[];
  bytesReceived: number;
  seconds: number;
}

export interface VerifyReport {
  image: ImageInfo;
  paths: number;
  bytes: number;
  /** What differs from the manifest, and why. Empty: every path is as published. */
  problems: { path: string; problem: string }[];
  /** What an ordinary user could not set (owners, device nodes): recorded, not damage. */
  notKept: { path: string; problem: string }[];
  /** After a repair: paths made anew before this report, and contents that came from elsewhere for it. */
  repaired?: { paths: number; objects: number };
}

export interface CleanResult {
  /** Those that are gone. */
  images: ImageInfo[];
  /** What the disk got back. */
  bytesFreed: number;
}

export interface ExportResult {
  dir: string;
  images: ImageInfo[];
  /** Files written now, and their size; what was there already is not written again. */
  objects: number;
  bytes: number;
}

export interface AdoptResult {
  image: ImageInfo;
  /** It is the current one now. */
  isCurrent: boolean;
  /** Contents copied from the running system, and their size in bytes. */
  objectsTaken: number;
  bytesTaken: number;
  bytesReceived: number;
  seconds: number;
  /** Plain sentences about whether it is to be trusted. */
  warnings: string[];
}

export interface PublishResult {
  image: ImageInfo;
  paths: number;
  bytes: number;
  /** Blobs that the store did not hold before. */
  newObjects: number;
  newBytes: number;
  /** Fingerprint of the key that signed it (`SHA256:…`); null: not signed. */
  signedWith: string | null;
  warnings: string[];
}

export interface PublishParams {
  dir: string;
  name: string;
  version: string;
  /** Release time in seconds since 1970. */
  time?: number;
  /** Record all paths as owned by root, for trees an ordinary user made. */
  rootOwned?: boolean;
  /** false: leave out ACLs, file capabilities and other extended attributes. */
  xattrs?: boolean;
  /** Nobody is to be led below this version any more. */
  minimumVersion?: string;
  /** A whole number: which format of the Journal the image writes. */
  journalFormat?: string;
  releaseNotes?: string;
  /** Absolute path of an OpenSSH key; and the socket of the publisher's ssh-agent, if there is one. */
  signWith?: string;
  agent?: string;
}

/** Request name → [parameters, result]. */
export interface Methods {
  status: [null, Status];
  /**
   * Begin (true) or end (false) watching; the answer is who is near now, `neighbour` events follow. from: addresses to
   * ask besides; what answers there is a neighbour as well, and its id is the address.
   */
  watchNeighbours: [{ on: boolean; from?: string[] }, Neighbour[]];
  /** target: VERSION, ADDRESS or commit; from: addresses to ask besides the neighbours seen. */
  compare: [{ target: string; from?: string[] }, Plan];
  /** Answers when staged; `progress` events meanwhile. patience: seconds to wait when all sources are gone. */
  upgrade: [{ version: string; from?: string[]; patience?: number; effort?: EffortWish }, UpgradeResult];
  /** Stop the running upgrade; what is fetched stays. */
  stopUpgrade: [null, null];
  /** Forget a stopped or failed upgrade and its partial downloads. */
  forgetUpgrade: [null, null];
  publish: [PublishParams, PublishResult];
  use: [{ version: string }, Status];
  /** restart: run the activation hook afterwards. */
  activate: [{ restart?: boolean }, Status];
  goBack: [{ restart?: boolean }, Status];
  /** `arrived` has been read. */
  arrivalSeen: [null, Status];
  /** repair: mend what can be mended first, with contents from neighbours or `from` where they are lost here. */
  verify: [{ version?: string; repair?: boolean; from?: string[] }, VerifyReport];
  /** Drop one image and what only it needed; previous: also when it is the one kept to go back to. */
  remove: [{ version: string; previous?: boolean }, CleanResult];
  /** Drop images that are not current, previous, staged, served or fetched; without a current image only leftovers. */
  collectGarbage: [null, CleanResult];
  /** dir: absolute; without versions all images. */
  export: [{ dir: string; versions?: string[] }, ExportResult];
  /** mtree(5) text of every path; the current image if none is named. */
  manifest: [{ version?: string }, string];
  /** root: absolute path of the running system. Answers when it is in the store; `progress` events meanwhile. */
  adopt: [{ version: string; root: string; from?: string[]; patience?: number; effort?: EffortWish }, AdoptResult];
}

export interface Events {
  status: Status;
  neighbour: NeighbourEvent;
  progress: UpgradeState;
}

export type MethodName = keyof Methods;
export type EventName = keyof Events;
export type Params<M extends MethodName> = Methods[M][0];
export type Result<M extends MethodName> = Methods[M][1];

/** The service as its clients see it, whether over the socket or in one process. */
export interface ServiceClient {
  /** Rejects with PassItOnError. */
  call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>>;
  on<E extends EventName>(event: E, listener: (payload: Events[E]) => void): void;
  off<E extends EventName>(event: E, listener: (payload: Events[E]) => void): void;
  /** Called once when the connection ends. */
  onClose(listener: () => void): void;
  close(): void;
}
