/**
 * node worker.mjs PORT [MS]: does one job at a time, each for MS milliseconds (50). Two at once would be an error, and is
 * answered with 500. GET /stats says how many jobs were done, and the most it ever had at once.
 */
import { createServer } from 'node:http';

const [port, jobMs = 50] = process.argv.slice(2).map(Number);
let busy = 0;
let most = 0;
let done = 0;

createServer((request, response) => {
  if (request.url === '/stats') return void response.end(JSON.stringify({ done, most }));
  busy++;
  most = Math.max(most, busy);
  let isOver = false;
  const finish = () => {
    if (!isOver) busy--;
    isOver = true;
  };
  // Who has gone away does not want the job any more.
  response.on('close', finish);
  request.resume();
  setTimeout(() => {
    if (isOver) return;
    finish();
    done++;
    response.writeHead(most > 1 ? 500 : 200).end(`done by worker ${port}\n`);
  }, jobMs);
}).listen(port, () => console.log(`worker ${process.pid} waits for jobs on ${port}`));
