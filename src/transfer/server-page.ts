/** `GET /`: what a person sees who opens a laptop's address in a browser. */
import type { ImagesAnswer } from './images-answer';

export function personPage(nick: string, { current, images }: ImagesAnswer): string {
  const rows = images.map(image => {
    const mark = image.commit === current ? ' (in use)' : '';
    const size = `${Math.max(1, Math.round(image.bytes / 1e6))} MB`;
    return `<tr><td>${escapeHtml(image.name)}<td>${escapeHtml(image.version)}${mark}<td>${size}<td><code>${image.commit}</code>`;
  });
  return `<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Pass It On</title>
<style>body{font:1.1rem sans-serif;margin:2rem;color:#282828}td,th{padding:.3rem 1.5rem .3rem 0;text-align:left}</style>
<h1>${nick === '' ? 'A laptop' : escapeHtml(nick)} passes it on</h1>
<p>This laptop shares the versions of its system with its neighbours. To get one, open <b>Pass It On</b> on your laptop.</p>
<table><tr><th>Image<th>Version<th>Size<th>Commit${rows.join('\n')}</table>
<p>With git: <code>git clone http://<i>this address</i>/</code></p>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`);
}
