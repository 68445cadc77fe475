/** What stands on the screen: all texts, pictures and buttons, ready to be drawn. Made by `model.ts`. */
import type { Neighbour } from '../service/contract';
import type { ProblemPicture } from './problems';
import type { LaptopKey } from './state';

/** What a button or an answer does; see `controller.ts`. */
export type Action =
  | 'upgrade'
  | 'confirm'
  | 'cancel'
  | 'stop'
  | 'forget'
  | 'restart'
  | 'done'
  | 'go-back'
  | 'compare-again'
  | 'look-again'
  | 'ask-teacher'
  | 'make-room'
  | 'plugged-in'
  | 'fix'
  | 'thanks'
  | 'reconnect'
  | 'dismiss';

export interface LaptopView {
  key: LaptopKey;
  /** Nick, or what kind of laptop it is. */
  title: string;
  /** Version, with the image's name where that is another one. */
  subtitle: string;
  /** [stroke, fill]; null: outline only. */
  colors: [string, string] | null;
  badge: 'problem' | 'unsure' | 'different' | 'unsigned' | 'check' | 'kept' | null;
  kind: Neighbour['kind'];
  selected: boolean;
  /** Can help with what the selected one has. */
  lit: boolean;
  faded: boolean;
  /** May be tapped now. */
  enabled: boolean;
  /** Bytes flow from it to this laptop. */
  giving: boolean;
  /** For screen readers. */
  name: string;
  description: string;
}

/** Laptops of one version side by side; null is a place left free. */
export type Slots = (LaptopView | null)[];

export interface BandView {
  label: string;
  groups: Slots[];
  /** One for each group: its version, with the image's name where that is another one. */
  versions: string[];
}

export interface StepView {
  label: string;
  /** What is done in it, for those who do not read yet. */
  picture: 'compare' | 'down' | 'look' | 'flag';
  state: 'todo' | 'doing' | 'done';
}

export interface ButtonView {
  action: Action;
  label: string;
  /** Second, smaller line. */
  detail: string;
  icon: 'up' | 'down' | 'restart' | 'check' | 'stop' | null;
  enabled: boolean;
}

/** Who gives to whom, for those who do not read yet. */
export interface PictureView {
  /** Colours of those who give; at most three are drawn. */
  from: ([string, string] | null)[];
  to: [string, string] | null;
}

export interface BarView {
  picture: PictureView | null;
  headline: string;
  /** At most two. */
  lines: string[];
  steps: StepView[] | null;
  button: ButtonView | null;
  second: ButtonView | null;
}

export interface AlertView {
  kind: 'question' | 'error';
  /** What has gone wrong, for those who do not read yet; null for a question and for what is shown to a teacher. */
  picture: ProblemPicture | null;
  title: string;
  line: string;
  /** The last one is what Enter does. */
  buttons: ButtonView[];
  /** What Escape does. */
  escape: Action;
}

export interface View {
  /** This child's colours. */
  colors: [string, string] | null;
  newer: BandView;
  mine: BandView;
  older: BandView;
  /** Same number, other contents; and other images: they stand in the middle band, at its end. */
  different: BandView;
  laptop: LaptopView;
  /** The ring around this laptop: 0 to 1 (ready), or null while there is nothing to fill it. */
  ring: number | null;
  /** Nobody is near: the picture that says so. */
  alone: { title: string; lines: string[] } | null;
  /** Something moves: dots, or the waves of looking. */
  moving: 'dots' | 'waves' | null;
  bar: BarView;
  alert: AlertView | null;
}
