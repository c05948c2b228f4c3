/**
 * A backend that writes the target of every request into a file before it answers, so that the
 * file tells what it was sent even after a SIGKILL. Words: port, its name, the file, and how many
 * connections the kernel may hold for it. TERM ends it in order; USR2 resets all its connections.
 */
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, name, file, backlog = '511'] = process.argv.slice(2);
const notes = openSync(file, 'a');
/** Long enough for a kill to find exchanges in flight. */
const thinkMs = 3;
const sockets = new Set();
let stopping = false;

const server = createServer((request, response) => {
  if (request.url !== '/health') writeSync(notes, `${request.url}\n`);
  request.resume();
  request.on('end', () => setTimeout(() => answer(response), thinkMs));
});

function answer(response) {
  if (stopping) response.setHeader('Connection', 'close');
  response.end(`Response from ${name}\n`);
}

server.on('connection', (socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
});
process.on('SIGUSR2', () => {
  for (const socket of sockets) socket.resetAndDestroy();
});
process.on('SIGTERM', () => {
  stopping = true;
  server.close(() => process.exit(0));
  // Those that were idle are closed by now; one that was not may be so after its answer.
  setInterval(() => server.closeIdleConnections(), 100);
});
server.listen({ port: Number(port), backlog: Number(backlog) }, () =>
  console.log(`${name} listens`),
);
