/**
 * A backend that writes the target of every request into a file before it answers, so that the
 * file tells what it was sent even after a SIGKILL. Words: port, its name, the file.
 */
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, name, file] = process.argv.slice(2);
const notes = openSync(file, 'a');
/** Long enough for a kill to find exchanges in flight. */
const thinkMs = 3;

const server = createServer((request, response) => {
  if (request.url !== '/health') writeSync(notes, `${request.url}\n`);
  request.resume();
  request.on('end', () => setTimeout(() => response.end(`Response from ${name}\n`), thinkMs));
});
server.listen(Number(port), () => console.log(`${name} listens`));
