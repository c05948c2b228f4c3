/**
 * @fastify/http-proxy, round robin, on undici's pools.
 *
 *   node fastify-http-proxy.js PORT BACKEND_PORT...
 */
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';

const [port, ...backends] = process.argv.slice(2);
const targets = backends.map((backend) => `http://127.0.0.1:${backend}`);
let turn = 0;
const next = () => targets[turn++ % targets.length];

const server = fastify({ logger: false, keepAliveTimeout: 3_600_000 });
server.register(httpProxy, {
  upstream: '',
  websocket: true,
  undici: { connections: 128, pipelining: 1 },
  replyOptions: { getUpstream: next },
});
await server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
