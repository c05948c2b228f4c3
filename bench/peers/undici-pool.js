/**
 * undici's Pool behind node:http, round robin: what a careful team writes by hand.
 *
 *   node undici-pool.js PORT BACKEND_PORT...
 */
import { createServer } from 'node:http';
import { Pool } from 'undici';

const [port, ...backends] = process.argv.slice(2);
const pools = backends.map(
  (backend) => new Pool(`http://127.0.0.1:${backend}`, { connections: 128, pipelining: 1 }),
);
let turn = 0;
const next = () => pools[turn++ % pools.length];

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'te', 'upgrade']);

function onward(raw) {
  const headers = [];
  for (let n = 0; n < raw.length; n += 2) {
    if (!HOP_BY_HOP.has(raw[n].toLowerCase())) headers.push(raw[n], raw[n + 1]);
  }
  return headers;
}

const server = createServer((request, response) => {
  const { method, url: path, rawHeaders, headers } = request;
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'];
  const options = { method, path, headers: onward(rawHeaders), body: hasBody ? request : null };
  next().stream(
    { ...options, responseHeaders: 'raw' },
    ({ statusCode, headers: answered }) => {
      const lines = answered.map(String);
      return response.writeHead(statusCode, onward(lines));
    },
    (error) => {
      if (error === null) return;
      if (!response.headersSent) response.writeHead(502);
      response.end();
    },
  );
});

server.on('upgrade', (request, client, head) => {
  const { method, url: path, headers } = request;
  const { connection: _, upgrade, ...rest } = headers;
  next().upgrade({ method, path, headers: rest, protocol: upgrade }, (error, answer) => {
    if (error !== null) {
      client.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n');
      return;
    }
    const fields = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    client.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('')}\r\n`);
    if (head.length > 0) answer.socket.write(head);
    for (const socket of [client, answer.socket]) socket.on('error', () => socket.destroy());
    client.pipe(answer.socket).pipe(client);
  });
});
server.keepAliveTimeout = 3_600_000;
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
