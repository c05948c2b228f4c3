import { describe, expect, it } from 'vitest';
import { formatDiagnostics } from './diagnostics.ts';
import { type ConfigArguments, configFromArguments } from './from-arguments.ts';

const complaintsOf = (given: ConfigArguments): string => {
  const result = configFromArguments(given);
  return 'config' in result ? '' : formatDiagnostics(result.diagnostics);
};

describe('a configuration from arguments', () => {
  it('has the ports and URLs as its backends, and the usual listener', () => {
    const result = configFromArguments({ targets: ['9001', 'https://app.internal'] });
    if (!('config' in result)) throw new Error('should be good');
    const { listeners, pools } = result.config;
    expect(listeners).toEqual([{ address: '*:8080', host: null, port: 8080 }]);
    expect(pools[0].backends.map(({ name, url }) => [name, url])).toEqual([
      ['localhost:9001', 'http://localhost:9001'],
      ['app.internal:443', 'https://app.internal'],
    ]);
  });

  it('listens on another port', () => {
    const result = configFromArguments({ targets: ['9001'], port: '80' });
    expect('config' in result && result.config.listeners[0].port).toBe(80);
  });

  it('reports everything at once, in the words that were typed', () => {
    const given = { targets: ['9001', 'localhost:9002', '9001', '99999'], port: 'http' };
    expect(complaintsOf(given).split('\n')).toEqual([
      '--port: expected a whole number, found "http"; write one from 0 to 65535',
      'localhost:9002: "localhost:9002" has no scheme; write http://localhost:9002',
      '99999: "99999" is not a port; write a whole number from 1 to 65535',
      '9001: was named before; name each backend once',
    ]);
  });

  it('needs something to balance', () => {
    expect(complaintsOf({ targets: [] })).toBe(
      'there is nothing to balance; name ports or URLs: evenkeel 9001 9002',
    );
    expect(complaintsOf({ targets: [], port: '0' })).toContain('nothing to balance');
  });
});
