import { escapeHtml } from '../page/html.js';

const numbers = {
  step: 'step',
  loss: 'loss',
  rate: 'frames a second',
  left: 'time left',
  rank: 'effective rank',
  noticed: 'broken laws noticed',
};

const sections = [
  section('loss', 'Loss', '', 'after the first steps'),
  section(
    'health',
    'Health',
    `SIGReg near its lower line means that embeddings spread like a standard normal, near the upper one that they are all
    alike. The effective rank is the number of dimensions in use. A model whose sensitivity is 0 ignores actions.`,
    'after the first report of health',
  ),
  section(
    'surprise',
    'Surprise',
    `Pairs of clips that the model has never learnt from; in one of each a law of physics is broken. Surprise is the error
    of what the model imagined, relative to the error that it expected: about 1 is ordinary.`,
    'after the first look at the model',
  ),
  section('samples', 'Samples', 'Clips that it learns from.', 'after the first look at the model'),
];

function section(id: string, title: string, text: string, empty: string): string {
  const note = text && `<p id="${id}-note">${text}</p>`;
  const wide = id === 'samples' ? '' : ' class="row"';
  return `<section aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${note}
<div id="${id}-content"${wide}><p class="quiet">${empty}</p></div></section>`;
}

/** The page that `jepa train --watch` serves, empty: its script fills it from the events of the run. */
export function livePage(title: string): string {
  const list = Object.entries(numbers).map(([id, name]) => `<div><dt>${name}</dt><dd id="${id}">…</dd></div>`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
<script type="module" src="/browser/live.js"></script></head><body><main>
<header><h1>${escapeHtml(title)}</h1><p id="status" class="status" role="status" data-state="waiting">connecting</p></header>
<progress id="progress" aria-label="Steps done" max="1" value="0"></progress>
<dl class="numbers">${list.join('')}</dl>
<div class="warnings" role="log" aria-label="Warnings"><ul id="warnings"></ul></div>
${sections.join('\n')}
<noscript><p>This page needs its script, which the training serves too.</p></noscript></main></body></html>
`;
}
