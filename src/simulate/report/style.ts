/** How the page looks, in light and dark, and what it does under the pointer. */

export const STYLE = `
:root { color-scheme: light dark; --back: #fff; --panel: #f8fafc; --text: #0f172a;
  --faint: #64748b;
  --line: #e2e8f0; --c0: #2563eb; --c1: #d97706; --c2: #059669; --c3: #dc2626; --c4: #7c3aed;
  --c5: #0891b2; --c6: #be185d; --c7: #65a30d; }
@media (prefers-color-scheme: dark) { :root { --back: #0b1120; --panel: #131c2e; --text: #e2e8f0;
  --faint: #94a3b8; --line: #263349; --c0: #60a5fa; --c1: #fbbf24; --c2: #34d399; --c3: #f87171;
  --c4: #a78bfa; --c5: #22d3ee; --c6: #f472b6; --c7: #a3e635; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1200px; padding: 28px 24px 48px; background: var(--back);
  color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial,
  sans-serif; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; letter-spacing: -.01em; }
h2 { font-size: 18px; margin: 36px 0 12px; }
h3 { font-size: 15px; margin: 20px 0 6px; }
p.about { margin: 0; color: var(--faint); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; font-size: 13px; color: var(--faint); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td.strong { font-weight: 600; }
td.bad { color: var(--c3); font-weight: 600; }
i[class^=s] { display: inline-block; width: 14px; height: 4px; border-radius: 2px;
  margin-right: 7px; vertical-align: middle; background: currentColor; }
.grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr));
  gap: 16px; }
figure { position: relative; margin: 0; padding: 14px 14px 8px; background: var(--panel);
  border: 1px solid var(--line); border-radius: 10px; }
figure.wide { margin-top: 20px; }
figcaption { font-weight: 600; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 2px;
  padding: 0; font-size: 13px; color: var(--faint); }
svg { display: block; width: 100%; height: auto; overflow: visible; touch-action: pan-y; }
svg text { font-size: 12px; fill: var(--faint); font-variant-numeric: tabular-nums; }
svg text.y, svg text.late { text-anchor: end; }
svg text.x { text-anchor: middle; }
svg text.mark { fill: var(--text); }
svg path { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round;
  stroke-linecap: round; }
svg .dashed { stroke-dasharray: 5 4; }
svg .grid { stroke: var(--line); }
svg .axis, svg .tick { stroke: var(--faint); }
svg line.mark { stroke: var(--faint); stroke-dasharray: 3 3; }
svg .guide { stroke: var(--text); opacity: .5; visibility: hidden; }
.s0 { color: var(--c0); } .s1 { color: var(--c1); } .s2 { color: var(--c2); }
.s3 { color: var(--c3); } .s4 { color: var(--c4); } .s5 { color: var(--c5); }
.s6 { color: var(--c6); } .s7 { color: var(--c7); }
.tip { position: absolute; z-index: 1; pointer-events: none; padding: 6px 10px;
  border-radius: 6px; font-size: 12px; line-height: 1.45; background: var(--back);
  border: 1px solid var(--line);
  box-shadow: 0 4px 14px rgb(0 0 0 / .18); white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.tip b { display: block; } .tip div { display: flex; gap: 14px; justify-content: space-between; }
details { margin: 6px 0; } summary { cursor: pointer; }
ol.log { list-style: none; margin: 6px 0 14px; padding: 0; font-size: 13px; }
ol.log li { padding: 2px 0; } ol.log time { color: var(--faint); margin-right: 12px;
  font-variant-numeric: tabular-nums; }
footer { margin-top: 40px; color: var(--faint); font-size: 13px; }
@media (max-width: 640px) { body { padding: 20px 12px 32px; } table { font-size: 13px; }
  th, td { padding: 6px 7px; } th { font-size: 12px; } td:first-child { white-space: normal; }
  figure { padding: 10px 10px 6px; } .chart { overflow-x: auto; }
  figure.wide svg { min-width: 720px; } figure.small svg { min-width: 480px; } }
`;

/** The values at the pointer, and a line through them. Without it the page says the same. */
export const SCRIPT = `
for (const figure of document.querySelectorAll('figure')) {
  const svg = figure.querySelector('svg');
  const guide = figure.querySelector('.guide');
  const data = JSON.parse(figure.querySelector('script').textContent);
  const tip = document.createElement('div');
  tip.className = 'tip';
  const hide = () => { tip.remove(); guide.style.visibility = 'hidden'; };
  svg.addEventListener('pointermove', (event) => {
    const at = svg.getBoundingClientRect();
    const inner = data.width - data.left - data.right;
    const x = ((event.clientX - at.left) / at.width) * data.width;
    const bucket = Math.floor((x - data.left) / inner / data.part);
    if (!(bucket >= 0 && bucket < data.times.length)) return hide();
    const middle = data.left + Math.min(1, (bucket + 0.5) * data.part) * inner;
    guide.setAttribute('x1', middle);
    guide.setAttribute('x2', middle);
    guide.style.visibility = 'visible';
    const time = document.createElement('b');
    time.textContent = data.times[bucket];
    tip.replaceChildren(time);
    for (const line of data.lines) {
      const row = document.createElement('div');
      const name = document.createElement('span');
      const swatch = document.createElement('i');
      swatch.className = line.colour;
      name.append(swatch, line.name);
      row.append(name, line.values[bucket]);
      tip.append(row);
    }
    figure.append(tip);
    const left = at.left - figure.getBoundingClientRect().left + (middle / data.width) * at.width;
    const isLate = left > figure.clientWidth / 2;
    tip.style.left = isLate ? left - tip.offsetWidth - 12 + 'px' : left + 12 + 'px';
    tip.style.top = event.clientY - figure.getBoundingClientRect().top - 16 + 'px';
  });
  svg.addEventListener('pointerleave', hide);
}
`;
