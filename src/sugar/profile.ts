/** Who this child is, from Sugar's settings where Sugar is installed. */
import { Gio } from '../screen/gtk';

export interface Profile {
  /** '' where Sugar does not say. */
  nick: string;
  /** XO colours [stroke, fill] as #RRGGBB. */
  colors: [string, string] | null;
}

const SCHEMA = 'org.sugarlabs.user';
const COLORS = /^(#[0-9A-Fa-f]{6}),(#[0-9A-Fa-f]{6})$/;

/** The schema must be looked up first: GSettings ends the process when asked for one that is not installed. */
export function readProfile(): Profile {
  const schema = Gio.SettingsSchemaSource.getDefault()?.lookup(SCHEMA, true);
  if (!schema?.hasKey('nick') || !schema.hasKey('color')) return { nick: '', colors: null };
  const settings = Gio.Settings.new(SCHEMA);
  const [, stroke, fill] = COLORS.exec(settings.getString('color')) ?? [];
  return { nick: settings.getString('nick'), colors: stroke && fill ? [stroke, fill] : null };
}
