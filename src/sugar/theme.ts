/** Sugar's theme and icons, where they are installed; elsewhere the desktop's own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Gtk } from '../screen/gtk';

const DEFAULT_DATA = '/usr/local/share:/usr/share';

export function applySugarTheme(scaling: string | undefined, env: NodeJS.ProcessEnv): void {
  const settings = Gtk.Settings.getDefault();
  const theme = scaling === '100' ? 'sugar-100' : 'sugar-72';
  const folders = (env.XDG_DATA_DIRS || DEFAULT_DATA).split(':');
  if (!settings || !folders.some(folder => existsSync(join(folder, 'themes', theme)))) return;
  settings.gtkThemeName = theme;
  settings.gtkIconThemeName = 'sugar';
}
