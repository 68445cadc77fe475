/**
 * Text on the stage, through Pango only: cairo's own text crashes. What was laid out is kept and used again. A layout that
 * is thrown away is freed only when GTK is idle, which it never is while laptops glide: then they, and fonts in every
 * size on the way, filled the memory.
 */
import { setColor } from './draw';
import { type Cairo, Gdk, Pango, type Pango1, PangoCairo } from './gtk';

export interface TextStyle {
  size: number;
  color: string;
  bold?: boolean;
  alpha?: number;
  align?: 'left' | 'center' | 'right';
  /** Lines before it is cut with …; 1 unless told. */
  lines?: number;
  /** How much smaller it may become (0.8: by a fifth) before it is cut. */
  shrink?: number;
}

interface Laid {
  layout: Pango1.Layout;
  height: number;
}

/** Enough for all that stands on one screen: forty laptops, their versions, bands and steps. */
const KEPT_MOST = 256;
const ALIGNMENT = { left: 0, center: 1, right: 2 } as const;
const ELLIPSIZE = { none: 0, end: 3 } as const;

/** The one used longest ago comes first. */
const kept = new Map<string, Laid>();
let tools: { context: Pango1.Context; plain: Pango1.FontDescription; bold: Pango1.FontDescription } | null = null;

/** Writes text into a box of that width, its top at y; answers the height it took. */
export function drawText(
  cr: Cairo.Context,
  text: string,
  x: number,
  y: number,
  width: number,
  style: TextStyle,
): number {
  const { layout, height } = laidOut(text, Math.max(1, Math.round(width)), style);
  setColor(cr, style.color, style.alpha ?? 1);
  cr.moveTo(x, y);
  PangoCairo.showLayout(cr, layout);
  return height;
}

function laidOut(text: string, width: number, style: TextStyle): Laid {
  const { size, bold = false, align = 'left', lines = 1, shrink = 1 } = style;
  const key = `${size} ${bold} ${align} ${lines} ${shrink} ${width} ${text}`;
  const known = kept.get(key);
  const laid = known ?? lay(spare(), text, width, { size, bold, align, lines, shrink });
  kept.delete(key);
  kept.set(key, laid);
  return laid;
}

/** The layout of the text not seen for longest, or a new one while there are few. */
function spare(): Pango1.Layout {
  const [oldest] = kept;
  if (!oldest || kept.size < KEPT_MOST) return Pango.Layout.new(instruments().context);
  const [key, { layout }] = oldest;
  kept.delete(key);
  return layout;
}

type Look = Required<Pick<TextStyle, 'size' | 'bold' | 'align' | 'lines' | 'shrink'>>;

function lay(layout: Pango1.Layout, text: string, width: number, { size, bold, align, lines, shrink }: Look): Laid {
  const font = instruments()[bold ? 'bold' : 'plain'];
  font.setAbsoluteSize(size * Pango.SCALE);
  layout.setFontDescription(font);
  layout.setText(text, -1);
  layout.setAlignment(ALIGNMENT[align]);
  layout.setWidth(-1);
  layout.setEllipsize(ELLIPSIZE.none);
  const [needed] = shrink < 1 ? layout.getPixelSize() : [0];
  if (needed > width) {
    font.setAbsoluteSize(size * Pango.SCALE * Math.max(shrink, width / needed));
    layout.setFontDescription(font);
  }
  layout.setWidth(width * Pango.SCALE);
  layout.setHeight(-lines);
  layout.setEllipsize(ELLIPSIZE.end);
  return { layout, height: layout.getPixelSize()[1] };
}

/** Of the screen and not of what is drawn on: text that is shown smaller for a moment is the same layout. */
function instruments(): NonNullable<typeof tools> {
  tools ??= {
    context: Gdk.pangoContextGet(),
    plain: Pango.FontDescription.fromString('Sans'),
    bold: Pango.FontDescription.fromString('Sans Bold'),
  };
  return tools;
}
