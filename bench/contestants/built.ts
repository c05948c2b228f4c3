/** The peers that the benchmark builds from source: the Go program and the bare relay. */
import { ask } from '../machine.ts';
import { build } from '../repository.ts';
import type { Contestant, Entry, Setup } from './contestant.ts';

function built(id: string, name: string, source: string): Contestant {
  let program = '';
  return {
    id,
    name,
    lacks: ['access log'],
    prepare: () => {
      program = build(source, id);
    },
    command: ({ port, backends }: Setup) => ({
      argv: [program, String(port), ...backends.map(String)],
    }),
  };
}

function go(): Entry {
  const version = ask('go', ['version']);
  if (version === null) return { id: 'go', why: 'no Go; Debian: apt install golang-go' };
  const number = /go(\d+\.\d+)/.exec(version)?.[1] ?? '';
  return built('go', `Go ${number} ReverseProxy`, 'peers/reverse-proxy.go');
}

function relay(): Entry {
  if (ask('gcc', ['--version']) === null) {
    return { id: 'relay', why: 'no C compiler; Debian: apt install gcc libc6-dev' };
  }
  return built('relay', 'bare relay, no HTTP', 'peers/relay.c');
}

/** In the order of the table. */
export const builtPeers = (): Entry[] => [go(), relay()];
