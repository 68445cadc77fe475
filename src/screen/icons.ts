/** The icons that are files of their own, so that artists can change them; they are bundled as text. */
import activitySvg from '../../activity/activity-passiton.svg';
import laptopSvg from '../../icons/laptop.svg';
import serverSvg from '../../icons/server.svg';
import stickSvg from '../../icons/stick.svg';
import type { Icon } from './draw';

export const laptopIcon = laptopSvg as Icon;
export const activityIcon = activitySvg as Icon;
/** Whoever can give. */
export const GIVERS = {
  laptop: laptopIcon,
  server: serverSvg as Icon,
  stick: stickSvg as Icon,
  folder: stickSvg as Icon,
} as const;
