import { expect } from 'vitest';

const empty = new Set(['meta', 'img', 'br', 'line', 'circle', 'rect', 'polyline', 'image', '!doctype']);

/** Checks that a page is well-formed and asks nothing of the network. @returns the headings of its sections */
export function checkPage(html: string): string[] {
  const scripts = [...html.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)];
  for (const [, script] of scripts)
    expect(script).not.toMatch(/fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\b|\beval\b|https?:/);
  expect(html).not.toMatch(/<script(?! type="module">)|<link|<iframe|<object|<embed|javascript:|@import/i);
  const bare = html
    .replace(/<style>[\s\S]*?<\/style>/g, '<style></style>')
    .replace(/<script[^>]*>[\s\S]*?<\/script>/g, '<script></script>');
  expect(bare).not.toMatch(/https?:\/\/|src="(?!data:)|href="(?!data:)|url\(|\son[a-z]+=/i);
  expect(bare).not.toMatch(/\bNaN\b|undefined|\[object /);
  const open: string[] = [];
  for (const [tag, closing, name, attributes, selfClosing] of bare.matchAll(
    /<(\/?)([!a-zA-Z][\w-]*)((?:"[^"]*"|[^">])*?)(\/?)>/g,
  )) {
    const lower = name.toLowerCase();
    if (closing) expect(open.pop(), `closed by ${tag} after ${open.join(' > ')}`).toBe(lower);
    else if (!selfClosing && !empty.has(lower)) open.push(lower);
    expect(attributes.replace(/\s+[\w:-]+(="[^"<]*")?/g, '').trim(), tag).toBe('');
  }
  expect(open).toEqual([]);
  expect(bare.replace(/<(?:"[^"]*"|[^">])*>/g, '')).not.toMatch(/[<>]/); // nothing unescaped in the text
  for (const [, data] of html.matchAll(/"data:image\/png;base64,([^"]*)"/g))
    expect(Buffer.from(data, 'base64').subarray(1, 4).toString()).toBe('PNG');
  return [...html.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading);
}
