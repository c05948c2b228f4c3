/** The three backends behind every contestant. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../machine.ts';
import { fillIn, root } from '../repository.ts';
import { type Stage, untilServing } from '../stage.ts';

export type Ports = readonly [number, number, number];

/** Bodies that nginx serves as files, by path. */
const answers: ReadonlyMap<string, number> = new Map([
  ['1k', 1024],
  ['64k', 64 * 1024],
  ['1m', 1024 * 1024],
]);

/** nginx with its fixed answers: one process, three ports. */
export async function startFiles(stage: Stage, cpu: number): Promise<Ports> {
  const ports = (await freePorts(3)) as [number, number, number];
  const folder = join(stage.folder, 'answers');
  if (!existsSync(folder)) mkdirSync(folder);
  for (const [name, size] of answers) stage.write(join('answers', name), Buffer.alloc(size, 'x'));
  const [BACKEND1, BACKEND2, BACKEND3] = ports;
  const values = { FOLDER: stage.folder, BACKEND1, BACKEND2, BACKEND3 };
  const config = stage.write('files.conf', fillIn('backends/files.conf', values));
  const started = stage.start(cpu, { argv: ['nginx', '-c', config] });
  await untilServing(started, ports[0]);
  return ports;
}

/** The talker: one process, three ports. */
export async function startTalker(stage: Stage, cpu: number): Promise<Ports> {
  const ports = (await freePorts(3)) as [number, number, number];
  const program = join(root, 'dist/bench/backends/talker.js');
  const argv: [string, ...string[]] = [process.execPath, program, ...ports.map(String)];
  await untilServing(stage.start(cpu, { argv }), ports[0]);
  return ports;
}
