import { describe, expect, it } from 'vitest';
import { colourClass } from './chart.ts';
import { SCRIPT, STYLE } from './style.ts';

describe('the style of the page', () => {
  it('has every colour that charts use, in light and in dark', () => {
    for (let colour = 0; colour < 8; colour++) {
      expect(STYLE).toContain(`.${colourClass(colour)} { color: var(--c${colour}); }`);
      expect(STYLE.match(new RegExp(`--c${colour}: #`, 'g'))).toHaveLength(2);
    }
  });

  it('closes what it opens, and cannot end its element', () => {
    for (const [open, close] of ['{}', '()']) {
      expect(STYLE.split(open).length).toBe(STYLE.split(close).length);
    }
    expect(STYLE + SCRIPT).not.toContain('</');
  });

  it('has a script that can be read', () => {
    expect(() => new Function(SCRIPT)).not.toThrow();
  });
});
