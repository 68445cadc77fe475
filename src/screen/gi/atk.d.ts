import type { GObject } from './gobject';

export namespace Atk1 {
  class Object extends GObject {
    accessibleName: string;
    accessibleDescription: string;
    setRole(role: number): void;
  }
}
