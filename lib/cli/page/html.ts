/** Text as HTML shows it, in content and in attributes of double quotes. */
export function escapeHtml(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] as string,
  );
}

/** A number as people read it: three digits or so. */
export function figure(value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (!(magnitude >= 1e-3 && magnitude < 1e6)) return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  const digits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3;
  const text = value.toFixed(digits);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
