import { describe, expect, it } from 'vitest';
import type { Failure } from '../../core/base/failure.ts';
import { createNodeResolver } from './dns.ts';

interface Answer {
  readonly addresses: readonly string[];
  readonly failure: Failure | null;
  readonly later: boolean;
}

function resolve(name: string): Promise<Answer> {
  return new Promise((done) => {
    let later = false;
    createNodeResolver().resolve(name, (addresses, failure) => done({ addresses, failure, later }));
    later = true;
  });
}

describe('the resolver of the platform', () => {
  it('answers an address with itself, but not from inside the call', async () => {
    for (const literal of ['192.0.2.7', '2001:db8::7']) {
      expect(await resolve(literal)).toEqual({ addresses: [literal], failure: null, later: true });
    }
  });

  it('finds the addresses of this machine, each once', async () => {
    const { addresses, failure, later } = await resolve('localhost');
    expect(failure).toBe(null);
    expect(later).toBe(true);
    expect(addresses.length).toBeGreaterThan(0);
    expect(new Set(addresses).size).toBe(addresses.length);
    for (const address of addresses) expect(['127.0.0.1', '::1']).toContain(address);
  });

  it('calls a name that cannot be resolved our failure, which may be tried elsewhere', async () => {
    // A label may have 63 characters, so no server has to be asked.
    const name = `${'a'.repeat(64)}.test`;
    const { addresses, failure, later } = await resolve(name);
    expect([addresses, later]).toEqual([[], true]);
    expect(failure).toMatchObject({ kind: 'unresolved', side: 'us', retry: 'safe' });
    expect(failure?.cause).toContain(`cannot resolve ${name}`);
  });
});
