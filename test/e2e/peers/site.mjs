/**
 * The site that real clients visit: an echo that tells what it was sent, a large file, and a page
 * with fifty assets. Words: port, the file to serve under /file.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);
const page = readFileSync(new URL('page.html', import.meta.url));

/** Each asset carries its value in the way of its kind; the page adds them up. */
const assets = {
  css: (value) => ['text/css', `:root { --value: ${value}; }\n`],
  js: (value) => ['text/javascript', `window.loaded(${value});\n`],
  svg: (value) => [
    'image/svg+xml',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${value}" height="1"></svg>\n`,
  ],
  json: (value) => ['application/json', `{"value": ${value}}\n`],
  txt: (value) => ['text/plain', `${value}\n`.repeat(20_000)],
};

function echo(request, response) {
  const hash = createHash('sha256');
  let length = 0;
  request.on('data', (bytes) => {
    hash.update(bytes);
    length += bytes.length;
  });
  request.on('end', () => {
    const { method, url, headers } = request;
    const seen = { method, target: url, fields: headers, length, sha256: hash.digest('hex') };
    const body = JSON.stringify(seen);
    response.setHeader('X-Method', method);
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    response.end(body);
  });
}

/** The file with a length, or in chunks when the query says so. */
function download(request, response) {
  response.setHeader('Content-Type', 'application/octet-stream');
  if (!request.url.endsWith('?chunked')) {
    response.setHeader('Content-Length', statSync(file).size);
  }
  if (request.method === 'HEAD') response.end();
  else createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(response);
}

function asset(request, response) {
  const [, number, kind] = /^\/assets\/(\d+)\.(css|js|svg|json|txt)$/.exec(request.url) ?? [];
  if (number === undefined) {
    response.writeHead(404, { 'Content-Length': 0 }).end();
    return;
  }
  const [type, body] = assets[kind](Number(number) ** 2 + 1);
  response.setHeader('Content-Type', type);
  // Text goes in chunks, everything else with a length.
  if (kind !== 'txt') response.setHeader('Content-Length', body.length);
  response.write(body);
  response.end();
}

function answer(request, response) {
  const path = request.url.split('?', 1)[0];
  if (path === '/') {
    request.resume();
    response.setHeader('Content-Type', 'text/html');
    response.end(page);
  } else if (path === '/echo') echo(request, response);
  else if (path === '/file') download(request, response);
  else asset(request, response);
}

const server = createServer(answer);
server.on('checkContinue', (request, response) => {
  if (request.url === '/refuse') {
    response.writeHead(413, { 'Content-Length': 7, Connection: 'close' });
    response.end('too big');
    return;
  }
  response.writeContinue();
  answer(request, response);
});
server.listen(Number(port), '127.0.0.1', () => console.log('the site listens'));
