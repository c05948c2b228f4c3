import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { installSignals } from './signals.ts';

let did: string[];
let nowMs: number;
let source: EventEmitter;

beforeEach(() => {
  did = [];
  nowMs = 0;
  source = new EventEmitter();
  installSignals(
    {
      stop: (signal, deadline) => did.push(`stop ${signal} ${deadline ? 'in time' : 'any time'}`),
      force: (signal) => did.push(`force ${signal}`),
      reload: () => did.push('reload'),
      reopen: () => did.push('reopen'),
    },
    source,
    () => nowMs,
  );
});

describe('signals', () => {
  it.each(['SIGTERM', 'SIGINT'])('%s stops within the deadline', (signal) => {
    source.emit(signal);
    expect(did).toEqual([`stop ${signal} in time`]);
  });

  it('QUIT stops without a deadline', () => {
    source.emit('SIGQUIT');
    expect(did).toEqual(['stop SIGQUIT any time']);
  });

  it('a second one forces, whichever it is', () => {
    source.emit('SIGQUIT');
    nowMs = 2_000;
    source.emit('SIGINT');
    expect(did).toEqual(['stop SIGQUIT any time', 'force SIGINT']);
  });

  it('the same Ctrl-C that arrives twice, from the terminal and from npm, does not force', () => {
    source.emit('SIGINT');
    nowMs = 20;
    source.emit('SIGINT');
    expect(did).toEqual(['stop SIGINT in time']);
  });

  it('HUP reloads as often as it comes, USR1 reopens', () => {
    source.emit('SIGHUP');
    source.emit('SIGHUP');
    source.emit('SIGUSR1');
    expect(did).toEqual(['reload', 'reload', 'reopen']);
  });
});
