import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { entryFile, ownCommand, runtime, version } from './about.ts';

describe('about this program', () => {
  it('has the version of its package', () => {
    const file = new URL('../../package.json', import.meta.url);
    expect(version).toBe(JSON.parse(readFileSync(file, 'utf8')).version);
  });

  it('names the runtime and its version', () => {
    expect(runtime).toMatch(/^(Node|Bun) \d+\.\d+\.\d+/);
  });

  it('knows the file to start', () => {
    expect(existsSync(entryFile)).toBe(true);
  });
});

describe('ownCommand', () => {
  it('is the plain name when the package is installed', () => {
    expect(ownCommand('/usr/local/bin/evenkeel', '/usr/bin/node', '/srv')).toBe('evenkeel');
  });

  it('is what can be typed in this folder when it runs from a checkout', () => {
    expect(ownCommand('/srv/keel/dist/src/cli/main.js', '/usr/bin/node', '/srv/keel')).toBe(
      'node dist/src/cli/main.js',
    );
    expect(ownCommand('/srv/keel/main.js', '/opt/bun', '/srv/me')).toBe('bun /srv/keel/main.js');
    expect(ownCommand('/srv/my keel/main.js', '/opt/bun', '/')).toBe('bun "srv/my keel/main.js"');
  });
});
