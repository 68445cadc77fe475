/**
 * A picture for each thing that can go wrong, in grey lines: what it is about (a laptop, a disk, a signature…), and what
 * is the matter with it. Each is drawn in the square from -1 to 1.
 */
import { circle, drawSign, GREY, roundedRect, type Sign, setColor } from './draw';
import type { Cairo } from './gtk';
import type { ProblemPicture } from './problems';

type Draw = (cr: Cairo.Context) => void;

/** In the square of that size around (x, y). */
export function drawProblem(cr: Cairo.Context, picture: ProblemPicture, x: number, y: number, size: number): void {
  cr.save();
  cr.translate(x, y);
  cr.scale(size / 2, size / 2);
  cr.setLineCap(1);
  cr.setLineJoin(1);
  ink(cr);
  PICTURES[picture](cr);
  cr.restore();
}

const PICTURES: Record<ProblemPicture, Draw> = {
  usage: cr => marked(cr, bubble, 'question'),
  'not-found': cr => marked(cr, faint(laptop), 'question'),
  ambiguous: cr => {
    at(cr, -0.34, -0.3, 0.62, tag);
    at(cr, 0.34, 0.3, 0.62, tag);
  },
  exists: cr => marked(cr, laptop, 'equal'),
  'bad-name': cr => marked(cr, tag, 'alert'),
  'bad-data': cr => marked(cr, sheet, 'alert'),
  damaged: cr => {
    laptop(cr);
    crack(cr);
  },
  'no-image': cr => marked(cr, faint(laptop), 'back'),
  'no-source': cr => {
    at(cr, 0, 0.42, 0.56, laptop);
    for (const radius of [0.42, 0.72, 1.02]) {
      cr.newPath();
      cr.arc(0, 0.1, radius, -Math.PI * 0.75, -Math.PI * 0.25);
      cr.stroke();
    }
  },
  'source-gone': cr => {
    at(cr, -0.46, 0.1, 0.52, laptop);
    at(cr, 0.56, 0.1, 0.42, faint(laptop));
    drawSign(cr, 'right', 0.56, -0.72, 0.5, GREY.ink);
  },
  'source-lied': cr => {
    at(cr, -0.44, 0, 0.66, sheet);
    at(cr, 0.5, 0, 0.66, bubble);
    disc(cr, 'different', 0, 0.62);
  },
  unsigned: cr => {
    sheet(cr);
    // Where a seal would be: a broken circle.
    for (let i = 0; i < 8; i++) {
      cr.newPath();
      cr.arc(0.2, 0.42, 0.28, (i * Math.PI) / 4, (i * Math.PI) / 4 + 0.4);
      cr.stroke();
    }
  },
  untrusted: cr => {
    sheet(cr);
    seal(cr, 0.2, 0.36);
    disc(cr, 'question', 0.66, -0.56);
  },
  'below-floor': cr => {
    steps(cr);
    drawSign(cr, 'down', -0.42, -0.34, 0.7, GREY.ink);
  },
  'cannot-sign': cr => marked(cr, pen, 'alert'),
  'no-space': box,
  'no-permission': lock,
  'battery-low': battery,
  busy: clock,
  stopped: cr => {
    circle(cr, 0, 0, 0.82);
    cr.stroke();
    drawSign(cr, 'stop', 0, 0, 1, GREY.ink);
  },
  'restart-failed': cr => marked(cr, power, 'alert'),
  service: plug,
  unsupported: puzzle,
  internal: gear,
};

function ink(cr: Cairo.Context): void {
  setColor(cr, GREY.ink);
  cr.setLineWidth(0.13);
  cr.newPath();
}

/** A subject smaller and elsewhere, with lines as thick as before. */
function at(cr: Cairo.Context, x: number, y: number, scale: number, draw: Draw): void {
  cr.save();
  cr.translate(x, y);
  cr.scale(scale, scale);
  ink(cr);
  cr.setLineWidth(0.13 / scale);
  draw(cr);
  cr.restore();
}

function marked(cr: Cairo.Context, draw: Draw, sign: Sign): void {
  at(cr, -0.08, -0.06, 0.86, draw);
  disc(cr, sign, 0.6, 0.56);
}

function disc(cr: Cairo.Context, sign: Sign, x: number, y: number): void {
  circle(cr, x, y, 0.42);
  setColor(cr, GREY.panel);
  cr.fill();
  circle(cr, x, y, 0.34);
  setColor(cr, GREY.ink);
  cr.fill();
  drawSign(cr, sign, x, y, 0.44, GREY.white);
}

/** Not there, or not there any more. */
function faint(draw: Draw): Draw {
  return cr => {
    cr.pushGroup();
    draw(cr);
    cr.popGroupToSource();
    cr.paintWithAlpha(0.35);
    ink(cr);
  };
}

function outline(cr: Cairo.Context): void {
  setColor(cr, GREY.white);
  cr.fillPreserve();
  setColor(cr, GREY.ink);
  cr.stroke();
}

function laptop(cr: Cairo.Context): void {
  roundedRect(cr, -0.7, -0.74, 1.4, 1, 0.14);
  outline(cr);
  cr.newPath();
  cr.moveTo(-0.72, 0.44);
  cr.lineTo(0.72, 0.44);
  cr.lineTo(0.92, 0.84);
  cr.lineTo(-0.92, 0.84);
  cr.closePath();
  outline(cr);
}

function crack(cr: Cairo.Context): void {
  cr.newPath();
  for (const [x, y] of [
    [0.06, -0.74],
    [-0.14, -0.44],
    [0.14, -0.24],
    [-0.06, 0.22],
  ] as const) {
    cr.lineTo(x, y);
  }
  cr.stroke();
}

function sheet(cr: Cairo.Context): void {
  cr.newPath();
  cr.moveTo(-0.6, -0.86);
  cr.lineTo(0.26, -0.86);
  cr.lineTo(0.6, -0.52);
  cr.lineTo(0.6, 0.86);
  cr.lineTo(-0.6, 0.86);
  cr.closePath();
  outline(cr);
  for (const y of [-0.4, -0.1]) {
    cr.moveTo(-0.3, y);
    cr.lineTo(0.3, y);
    cr.stroke();
  }
}

function seal(cr: Cairo.Context, x: number, y: number): void {
  circle(cr, x, y, 0.26);
  cr.fill();
  cr.newPath();
  cr.moveTo(x - 0.1, y + 0.2);
  cr.lineTo(x - 0.18, y + 0.56);
  cr.moveTo(x + 0.1, y + 0.2);
  cr.lineTo(x + 0.18, y + 0.56);
  cr.stroke();
}

function tag(cr: Cairo.Context): void {
  cr.newPath();
  cr.moveTo(-0.86, 0);
  cr.lineTo(-0.4, -0.5);
  cr.lineTo(0.86, -0.5);
  cr.lineTo(0.86, 0.5);
  cr.lineTo(-0.4, 0.5);
  cr.closePath();
  outline(cr);
  circle(cr, -0.4, 0, 0.1);
  cr.fill();
  cr.moveTo(0.02, 0);
  cr.lineTo(0.52, 0);
  cr.stroke();
}

function bubble(cr: Cairo.Context): void {
  cr.newPath();
  cr.moveTo(-0.5, 0.42);
  cr.lineTo(-0.62, 0.88);
  cr.lineTo(-0.1, 0.5);
  cr.stroke();
  roundedRect(cr, -0.86, -0.74, 1.72, 1.24, 0.3);
  outline(cr);
}

/** Full to the brim, and something still waits. */
function box(cr: Cairo.Context): void {
  cr.newPath();
  cr.moveTo(-0.8, -0.1);
  cr.lineTo(-0.8, 0.84);
  cr.lineTo(0.8, 0.84);
  cr.lineTo(0.8, -0.1);
  outline(cr);
  for (const y of [0.06, 0.32, 0.58]) {
    cr.rectangle(-0.6, y, 1.2, 0.12);
    cr.fill();
  }
  cr.setLineWidth(0.13);
  cr.rectangle(-0.3, -0.84, 0.6, 0.52);
  outline(cr);
  cr.moveTo(-0.8, -0.1);
  cr.lineTo(0.8, -0.1);
  cr.stroke();
}

function lock(cr: Cairo.Context): void {
  cr.newPath();
  cr.arc(0, -0.3, 0.38, Math.PI, Math.PI * 2);
  cr.lineTo(0.38, 0);
  cr.moveTo(-0.38, -0.3);
  cr.lineTo(-0.38, 0);
  cr.stroke();
  roundedRect(cr, -0.62, -0.06, 1.24, 0.9, 0.12);
  outline(cr);
  circle(cr, 0, 0.3, 0.12);
  cr.fill();
  cr.moveTo(0, 0.34);
  cr.lineTo(0, 0.56);
  cr.stroke();
}

function battery(cr: Cairo.Context): void {
  roundedRect(cr, -0.86, -0.42, 1.52, 0.84, 0.12);
  outline(cr);
  cr.rectangle(-0.68, -0.24, 0.24, 0.48);
  cr.fill();
  cr.rectangle(0.76, -0.18, 0.14, 0.36);
  cr.fill();
}

function clock(cr: Cairo.Context): void {
  circle(cr, 0, 0, 0.82);
  outline(cr);
  cr.moveTo(0, -0.5);
  cr.lineTo(0, 0);
  cr.lineTo(0.36, 0.24);
  cr.stroke();
}

function power(cr: Cairo.Context): void {
  cr.newPath();
  cr.arc(0, 0.06, 0.7, -Math.PI * 0.3, Math.PI * 1.3);
  cr.stroke();
  cr.moveTo(0, -0.86);
  cr.lineTo(0, -0.06);
  cr.stroke();
}

/** Pulled out of its socket. */
function plug(cr: Cairo.Context): void {
  roundedRect(cr, -0.74, -0.34, 0.62, 0.68, 0.12);
  outline(cr);
  for (const y of [-0.16, 0.16]) {
    cr.moveTo(-0.1, y);
    cr.lineTo(0.16, y);
    cr.stroke();
  }
  cr.moveTo(-0.74, 0);
  cr.curveTo(-1, 0, -0.96, 0.5, -0.7, 0.84);
  cr.stroke();
  roundedRect(cr, 0.42, -0.34, 0.4, 0.68, 0.12);
  outline(cr);
  cr.moveTo(0.82, 0);
  cr.lineTo(0.98, 0);
  cr.stroke();
}

/** A piece that is too large for its hole. */
function puzzle(cr: Cairo.Context): void {
  cr.rectangle(-0.86, 0.1, 1.72, 0.74);
  outline(cr);
  cr.setLineWidth(0.13);
  cr.rectangle(-0.2, 0.1, 0.4, 0.3);
  outline(cr);
  roundedRect(cr, -0.4, -0.86, 0.8, 0.66, 0.06);
  outline(cr);
}

function gear(cr: Cairo.Context): void {
  for (let i = 0; i < 8; i++) {
    const angle = (i * Math.PI) / 4;
    cr.moveTo(Math.cos(angle) * 0.6, Math.sin(angle) * 0.6);
    cr.lineTo(Math.cos(angle) * 0.84, Math.sin(angle) * 0.84);
    cr.setLineWidth(0.26);
    cr.stroke();
  }
  cr.setLineWidth(0.13);
  circle(cr, 0, 0, 0.58);
  outline(cr);
  drawSign(cr, 'alert', 0, 0, 0.6, GREY.ink);
}

function pen(cr: Cairo.Context): void {
  cr.newPath();
  cr.moveTo(-0.84, 0.84);
  cr.lineTo(-0.66, 0.3);
  cr.lineTo(0.44, -0.8);
  cr.lineTo(0.8, -0.44);
  cr.lineTo(-0.3, 0.66);
  cr.closePath();
  outline(cr);
}

/** A stair whose lowest step is barred. */
function steps(cr: Cairo.Context): void {
  cr.newPath();
  cr.moveTo(-0.9, 0.84);
  cr.lineTo(-0.9, 0.36);
  cr.lineTo(-0.1, 0.36);
  cr.lineTo(-0.1, -0.2);
  cr.lineTo(0.42, -0.2);
  cr.lineTo(0.42, -0.76);
  cr.lineTo(0.9, -0.76);
  cr.lineTo(0.9, 0.84);
  cr.closePath();
  outline(cr);
  cr.moveTo(-0.78, 0.46);
  cr.lineTo(-0.2, 0.76);
  cr.stroke();
}
