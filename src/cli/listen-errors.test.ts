import { describe, expect, it } from 'vitest';
import { explainListenFailure } from './listen-errors.ts';

const change = 'change the port in config.yaml';
const taken = { kind: 'address_in_use', cause: 'bind EADDRINUSE' } as const;
const forbidden = { kind: 'not_permitted', cause: 'bind EACCES' } as const;

describe('explainListenFailure', () => {
  it('says who has the port and how to get it back', () => {
    const failed = { listener: { host: null, port: 8080 }, failure: taken };
    expect(explainListenFailure(failed, 'nginx (pid 7)', change)).toBe(
      'evenkeel: cannot listen on port 8080: nginx (pid 7) is using it; ' +
        'stop it (kill 7), or change the port in config.yaml\n',
    );
  });

  it('says what it can when the owner is not known', () => {
    const failed = { listener: { host: '::1', port: 8080 }, failure: taken };
    expect(explainListenFailure(failed, null, change)).toBe(
      'evenkeel: cannot listen on ::1 port 8080: another program is using it; ' +
        'stop it, or change the port in config.yaml\n',
    );
  });

  it('names the remedies for a port below 1024', () => {
    const failed = { listener: { host: null, port: 80 }, failure: forbidden };
    const text = explainListenFailure(failed, null, change);
    expect(text).toMatch(/^evenkeel: cannot listen on port 80: not permitted/);
    expect(text).toContain('change the port in config.yaml, from 1024 on');
    expect(text).toContain('CAP_NET_BIND_SERVICE');
    expect(text).toContain('ip_unprivileged_port_start=80');
  });

  it('says what to do about an address of some other machine', () => {
    const cause = '192.0.2.1:80 is not an address of this machine';
    const listener = { host: '192.0.2.1', port: 80 };
    const failed = { listener, failure: { kind: 'no_resources', cause } } as const;
    expect(explainListenFailure(failed, null, change)).toBe(
      `evenkeel: cannot listen on 192.0.2.1 port 80: ${cause}; ` +
        'write one that it has, or leave "address" out\n',
    );
  });

  it('gives the cause of anything else', () => {
    const failed = { listener: { host: '192.0.2.1', port: 8080 }, failure: forbidden };
    expect(explainListenFailure(failed, null, change)).toBe(
      'evenkeel: cannot listen on 192.0.2.1 port 8080: bind EACCES\n',
    );
  });
});
