/** Draws along with the screen, as often as it shows a new picture, and only while something moves. */
import { type Gtk3, guard, on } from './gtk';

export class Frames {
  private clock: ReturnType<Gtk3.Widget['getFrameClock']> = null;
  running = false;
  /** Pictures since the start; for measurements. */
  count = 0;

  constructor(
    private readonly widget: Gtk3.Widget,
    private readonly tick: () => void,
  ) {
    // Connected once and never taken off again: a callback for each beginning would be kept for ever by the binding.
    on(widget, 'realize', () => {
      this.clock = widget.getFrameClock();
      this.clock?.on(
        'update',
        guard('animation', undefined, () => {
          if (!this.running) return;
          this.count++;
          this.tick();
        }),
      );
      if (this.running) this.clock?.beginUpdating();
    });
  }

  run(wanted: boolean): void {
    if (wanted === this.running) return;
    this.running = wanted;
    if (!this.widget.getRealized()) return;
    if (wanted) this.clock?.beginUpdating();
    else this.clock?.endUpdating();
  }
}
