/** A backend with something big at /slow/big. Word: port. */
import { createServer } from 'node:http';

const big = Buffer.alloc(8 * 1024 * 1024, 'big');
const server = createServer((request, response) => {
  if (request.url === '/slow/big') {
    response.end(big);
    return;
  }
  request.resume();
  request.on('end', () => response.end('ok'));
});
// The balancer is the one that judges here.
server.requestTimeout = 0;
server.listen({ port: Number(process.argv[2]), backlog: 4096 }, () => console.log('listens'));
