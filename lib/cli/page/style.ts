/** The look of both pages, the report's and the live one's, by daylight and at night. Every text has a contrast of 4.5 and more. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --card: #f6f7f9; --line: #d9dee5; --ink: #16202c; --quiet: #566172; --accent: #1f5fd6; --alarm: #b3261e;
  --series-0: #1f5fd6; --series-1: #c2410c; --series-2: #15803d; --series-3: #7e22ce; --series-4: #566172;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0e1319; --card: #171e27; --line: #2d3743; --ink: #e8edf3; --quiet: #9fabba; --accent: #79a9ff; --alarm: #ff8a80;
    --series-0: #79a9ff; --series-1: #ff9d5c; --series-2: #5fd38d; --series-3: #d0a2ff; --series-4: #9fabba;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 64px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; }
h1 { font-size: 28px; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 8px; }
h2 { font-size: 20px; line-height: 1.3; letter-spacing: -0.01em; margin: 44px 0 10px; padding-top: 16px; border-top: 1px solid var(--line); }
h3 { font-size: 16px; margin: 28px 0 8px; }
article h3 { margin-top: 0; }
p { margin: 6px 0 14px; max-width: 70ch; }
.quiet, figcaption, dt { color: var(--quiet); }
figure > figcaption { margin-top: 4px; }
.chart > figcaption { margin-top: 0; }
figcaption, .legend, .controls, table { font-size: 14px; }
a { color: var(--accent); }
code { font-size: 0.9em; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 20px; align-items: start; }
figure { margin: 0; min-width: 0; }
article, .chart { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; }
article .chart { background: none; border: 0; padding: 10px 0 0; }
.chart figcaption { color: var(--ink); font-weight: 600; }
.legend { list-style: none; margin: 2px 0 4px; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 16px; color: var(--quiet); }
.swatch { display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin-right: 6px; vertical-align: middle; background: var(--colour); }
.series-0 { --colour: var(--series-0); }
.series-1 { --colour: var(--series-1); }
.series-2 { --colour: var(--series-2); }
.series-3 { --colour: var(--series-3); }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; fill: var(--quiet); }
.line { fill: none; stroke: var(--colour); stroke-width: 2; stroke-linejoin: round; }
.dot { fill: var(--colour); }
.grid { stroke: var(--line); }
.mark { stroke: var(--alarm); stroke-dasharray: 4 3; }
.mark-label { fill: var(--alarm); paint-order: stroke; stroke: var(--card); stroke-width: 4px; }
.cursor { stroke: var(--quiet); }
clip-player { display: block; }
.paths { --series-0: #1f5fd6; --series-1: #c2410c; } /* drawn on pictures, which have no night */
.views { display: grid; grid-template-columns: repeat(auto-fit, minmax(120px, 1fr)); gap: 12px; }
#samples-content .views { grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); }
.views img { display: block; max-width: 100%; image-rendering: pixelated; }
canvas { display: block; width: 100%; height: auto; border-radius: 8px; image-rendering: pixelated; background: var(--line); }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; margin-top: 10px; color: var(--quiet); }
.controls output { flex: 1 0 100%; font-variant-numeric: tabular-nums; }
.controls input { flex: 1; min-width: 80px; height: 24px; margin: 0; accent-color: var(--accent); }
button { min-width: 76px; min-height: 36px; padding: 4px 14px; border: 1px solid var(--line); border-radius: 8px; background: var(--paper); color: var(--ink); font: inherit; cursor: pointer; }
button:hover { border-color: var(--accent); }
.status { margin: 0; padding: 1px 12px; border-radius: 999px; border: 1px solid currentColor; color: var(--quiet); font-size: 14px; }
.status[data-state='live'] { color: var(--series-2); }
.status[data-state='lost'] { color: var(--alarm); }
progress { width: 100%; height: 8px; accent-color: var(--accent); }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px 20px; margin: 16px 0 0; }
.numbers div { display: flex; flex-direction: column; justify-content: space-between; }
.numbers dt { font-size: 14px; line-height: 1.35; }
.numbers dd { margin: 0; font-size: 22px; line-height: 1.3; font-weight: 600; letter-spacing: -0.01em; font-variant-numeric: tabular-nums; }
.warnings ul { margin: 16px 0 0; padding-left: 20px; color: var(--alarm); }
.warnings ul:empty { display: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { color: var(--quiet); font-weight: 500; white-space: normal; vertical-align: bottom; }
tbody th { font-weight: 400; white-space: pre; }
th:first-child, th:last-child, td:last-child { text-align: left; }
th:first-child { padding-left: 0; }
td:last-child { white-space: normal; min-width: 220px; color: var(--quiet); }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
`;
