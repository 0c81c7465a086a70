import { expect } from 'vitest';

const empty = new Set(['meta', 'img', 'br', 'line', 'circle', 'rect', 'polyline', 'image', '!doctype']);

/** Checks that a page is well-formed and asks nothing of the network. @returns the headings of its sections */
export function checkPage(html: string): string[] {
  expect(html).not.toMatch(/<script|<link|<iframe|<object|<embed|javascript:|@import|\son[a-z]+=/i);
  expect(html).not.toMatch(/https?:\/\/|src="(?!data:)|href="(?!data:)|url\(/i);
  expect(html).not.toMatch(/\bNaN\b|undefined|\[object /);
  const open: string[] = [];
  const bare = html.replace(/<style>[\s\S]*?<\/style>/g, '<style></style>');
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
