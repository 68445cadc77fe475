export namespace Cairo {
  class Surface {}
  /** Only what is not cairo's toy text, which is use-after-free in node-gtk. */
  class Context {
    constructor(surface: Surface);
    /** 0 clear, 2 over */
    setOperator(operator: number): void;
    setSourceSurface(surface: Surface, x: number, y: number): void;
    save(): void;
    restore(): void;
    translate(x: number, y: number): void;
    scale(x: number, y: number): void;
    rotate(radians: number): void;
    setSourceRgb(r: number, g: number, b: number): void;
    setSourceRgba(r: number, g: number, b: number, a: number): void;
    setLineWidth(width: number): void;
    /** 0 butt, 1 round, 2 square */
    setLineCap(cap: number): void;
    /** 0 miter, 1 round, 2 bevel */
    setLineJoin(join: number): void;
    newPath(): void;
    newSubPath(): void;
    closePath(): void;
    moveTo(x: number, y: number): void;
    lineTo(x: number, y: number): void;
    curveTo(x1: number, y1: number, x2: number, y2: number, x3: number, y3: number): void;
    arc(x: number, y: number, radius: number, from: number, to: number): void;
    rectangle(x: number, y: number, width: number, height: number): void;
    fill(): void;
    fillPreserve(): void;
    stroke(): void;
    clip(): void;
    paint(): void;
    paintWithAlpha(alpha: number): void;
    pushGroup(): void;
    popGroupToSource(): void;
  }
}
