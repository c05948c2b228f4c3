/**
 * http-proxy, round robin, with kept connections.
 *
 *   node http-proxy.js PORT BACKEND_PORT...
 */
import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy';

const [port, ...backends] = process.argv.slice(2);
const targets = backends.map((backend) => `http://127.0.0.1:${backend}`);
const agent = new Agent({ keepAlive: true, maxFreeSockets: 1024, noDelay: true });
const proxy = httpProxy.createProxyServer({ agent, xfwd: true });
let turn = 0;
const next = () => targets[turn++ % targets.length];

proxy.on('error', (_error, _request, response) => {
  if (response.writeHead && !response.headersSent) response.writeHead(502);
  response.end();
});
const server = createServer((request, response) =>
  proxy.web(request, response, { target: next() }),
);
server.on('upgrade', (request, socket, head) => {
  // Without the agent: a connection that becomes a WebSocket does not come back.
  proxy.ws(request, socket, head, { target: next(), agent: false });
});
server.keepAliveTimeout = 3_600_000;
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
