import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config/load.ts';
import type { Log } from '../core/telemetry/log.ts';
import { bannerText, listenerUrl, logStarted, type Started } from './banner.ts';

function started(yaml: string, changes: Partial<Started> = {}): Started {
  const loaded = parseConfig(yaml, 'config.yaml');
  if (!('config' in loaded)) throw new Error(loaded.diagnostics[0]?.message);
  return {
    version: '1.2.3',
    runtime: 'Node 20.20.2',
    pid: 4711,
    source: 'config.yaml',
    config: loaded.config,
    listeners: loaded.config.listeners,
    ...changes,
  };
}

const tutorial = `
port: 8080
backends:
  - url: http://localhost:9001
    name: server-1
    weight: 3
  - url: http://localhost:9002
    name: s2
health_check:
  interval: 5s
  timeout: 2s
  path: /health
`;

describe('listenerUrl', () => {
  it('is what a client would type', () => {
    expect(listenerUrl({ host: null, port: 8080 })).toBe('http://localhost:8080');
    expect(listenerUrl({ host: '127.0.0.1', port: 80 })).toBe('http://127.0.0.1:80');
    expect(listenerUrl({ host: '::1', port: 80 })).toBe('http://[::1]:80');
  });
});

describe('the banner', () => {
  it('says what listens where, pools, backends, and how to stop', () => {
    expect(bannerText(started(tutorial), false)).toBe(
      [
        'Evenkeel 1.2.3 on Node 20.20.2, config.yaml',
        '',
        '  http://localhost:8080  all addresses',
        '  pool default round_robin; probe: GET /health is 2xx, every 5s, timeout 2s',
        '    server-1  http://localhost:9001  weight 3',
        '    s2        http://localhost:9002  weight 1',
        '',
        'Stop: Ctrl-C; what is running gets 25s, a second Ctrl-C ends it.' +
          ' Reload config.yaml: kill -HUP 4711.',
        '',
        '',
      ].join('\n'),
    );
  });

  it('says who comes after whom', () => {
    const yaml =
      'backends:\n  - {url: "http://a:1"}\n  - {url: "http://b:1", priority: 1}\n' +
      '  - {url: "http://c:1", backup: true}';
    const lines = bannerText(started(yaml), false).split('\n');
    expect(lines.slice(4, 7)).toEqual([
      '    a:1  http://a:1  priority 0',
      '    b:1  http://b:1  priority 1',
      '    c:1  http://c:1  backup',
    ]);
  });

  it('leaves out weights, files and routes that nobody wrote', () => {
    const text = bannerText(started('backends: [http://localhost:1]', { source: null }), false);
    expect(text).not.toContain('weight');
    expect(text).not.toContain('HUP');
    expect(text).not.toContain('route');
    expect(text).toContain('no health check');
  });

  it('shows routes when there is something to choose', () => {
    const text = bannerText(
      started(`
listeners: [{ port: 80, address: 127.0.0.1 }]
routes:
  - { host: api.example.com, path: /v1, pool: api }
  - { pool: web }
pools:
  api: { backends: [http://localhost:1] }
  web: { backends: [http://localhost:2], health_check: { type: tcp } }
`),
      false,
    );
    expect(text).toContain('  http://127.0.0.1:80\n');
    expect(text).toContain('  route api.example.com /v1 -> api\n  route any host / -> web\n');
    expect(text).toContain('probe: TCP, every 5s');
  });

  it('says the same in colour', () => {
    const coloured = bannerText(started(tutorial), true);
    expect(coloured).toContain('\x1b[1m');
    expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe(bannerText(started(tutorial), false));
  });
});

describe('the events of a start', () => {
  it('say the same to machines', () => {
    const events: unknown[] = [];
    const log: Log = {
      exchange: () => {},
      event: (level, event, message, fields) => events.push([level, event, message, fields]),
    };
    logStarted(log, started(tutorial));
    expect(events).toEqual([
      [
        'info',
        'started',
        'Evenkeel 1.2.3 on Node 20.20.2 has started with config.yaml',
        { version: '1.2.3', runtime: 'Node 20.20.2', pid: 4711, config: 'config.yaml' },
      ],
      [
        'info',
        'started_listener',
        'listening on http://localhost:8080',
        { url: 'http://localhost:8080', port: 8080 },
      ],
      [
        'info',
        'started_pool',
        'pool default: round_robin over server-1, s2; ' +
          'probe: GET /health is 2xx, every 5s, timeout 2s',
        { pool: 'default', policy: 'round_robin', backends: 2 },
      ],
    ]);
  });
});
