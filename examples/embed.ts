/** A balancer inside your own program: two backends of its own, one request through it. */
import { createServer } from 'node:http';
import { createLog, formatDiagnostics, parseConfig, startBalancer } from '../src/evenkeel.ts';

const server = createServer((_request, response) => response.end('hello\n'));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as { port: number };

const parsed = parseConfig(`{port: 0, backends: ["http://127.0.0.1:${port}"]}`, 'inline');
if ('diagnostics' in parsed) throw new Error(formatDiagnostics(parsed.diagnostics));

const log = createLog({ level: 'warn', access: false, format: 'json', isTty: false });
const balancer = await startBalancer(parsed.config, { log });
const answer = await fetch(`http://127.0.0.1:${balancer.listeners[0].port}/`);
console.log(await answer.text());

await balancer.stop();
server.close();
