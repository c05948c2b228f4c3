import { describe, expect, it } from 'vitest';
import {
  type Chart,
  chartHtml,
  colourClass,
  escaped,
  spellValue,
  type TimeFrame,
} from './chart.ts';

const FRAME: TimeFrame = {
  durationMs: 4000,
  bucketMs: 1000,
  startsAtMs: null,
  marks: [{ atMs: 2000, text: 'a & b go down' }],
};
const CHART: Chart = {
  title: 'Latency',
  unit: 'latency',
  isWide: true,
  lines: [
    { name: 'adaptive', colour: 0, values: [10, 20, 0, 40] },
    { name: 'random', colour: 9, values: [10, 10, 10, 10] },
  ],
};

describe('a chart', () => {
  it('has a line for each series, which is broken where there is nothing', () => {
    const html = chartHtml(CHART, FRAME);
    const [first, second] = [...html.matchAll(/<path class="([^"]+)" d="([^"]+)"/g)];
    expect(first.slice(1)).toEqual(['s0', expect.stringMatching(/^M\S+ \S+L\S+ \S+M\S+ \S+$/)]);
    expect(second.slice(1)).toEqual([
      's1 dashed',
      expect.stringMatching(/^M(\S+ \S+L){3}\S+ \S+$/),
    ]);
  });

  it('has units at its axis, times below it, a legend, and words at its marks', () => {
    const html = chartHtml(CHART, FRAME);
    for (const text of [
      '>10 ms<',
      '>50 ms<',
      '>0s<',
      '>4s<',
      '</i>adaptive<',
      '>a &amp; b go down<',
    ]) {
      expect(html).toContain(text);
    }
  });

  it('is small with marks, but without their words', () => {
    const html = chartHtml({ ...CHART, isWide: false }, FRAME);
    expect(html).toContain('<line class="mark"');
    expect(html).not.toContain('go down');
  });

  it('hands the pointer what it needs, whatever names there are', () => {
    const lines = [{ name: '</script>', colour: 0, values: [0.5, 0, 0, 1] }];
    const html = chartHtml({ ...CHART, unit: 'share', lines }, FRAME);
    expect(html.match(/<\/script>/g)).toHaveLength(1);
    const [, json] = /<script type="application\/json">(.*)<\/script>/.exec(html) ?? [];
    expect(JSON.parse(json)).toMatchObject({
      part: 0.25,
      times: ['0s', '1s', '2s', '3s'],
      lines: [{ name: '</script>', values: ['50.0 %', '0.00 %', '0.00 %', '100.0 %'] }],
    });
  });

  it('can have an axis that others share', () => {
    const lines = [{ name: 'a', colour: 0, values: [0.1, 0.1, 0.1, 0.1] }];
    const chart: Chart = { ...CHART, unit: 'share', lines };
    expect(chartHtml(chart, FRAME)).not.toContain('>60 %<');
    expect(chartHtml({ ...chart, most: 0.55 }, FRAME)).toContain('>60 %<');
  });

  it('of nothing is drawn as well', () => {
    const lines = [{ name: 'a', colour: 0, values: [0, 0, 0, 0] }];
    expect(chartHtml({ ...CHART, lines }, FRAME)).toContain('<path class="s0" d=""/>');
  });
});

describe('what is written in a chart', () => {
  it('has a unit, and is safe', () => {
    expect([spellValue(12, 'latency'), spellValue(0.5, 'share'), spellValue(12, 'count')]).toEqual([
      '12.0 ms',
      '50.0 %',
      '12.0',
    ]);
    expect(escaped('<a title="&">')).toBe('&lt;a title=&quot;&amp;&quot;>');
    expect([0, 7, 8].map(colourClass)).toEqual(['s0', 's7', 's0 dashed']);
  });
});
