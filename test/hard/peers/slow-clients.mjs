/**
 * Many slow clients of one kind. Words: port, kind (head, body, read), how many, how many to open
 * in a second, milliseconds from one byte to the next. Prints a JSON line when all are open, and
 * one when all have been closed by the other side: how long they lived.
 */
import { connect } from 'node:net';

const [kind, ...numbers] = [process.argv[3], ...process.argv.slice(2).map(Number)];
const [port, , count, perSecond, byteEveryMs] = numbers;
const starts = {
  head: 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ',
  body: 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n',
  read: 'GET /slow/big HTTP/1.1\r\nHost: a\r\n\r\n',
};
const tickMs = 20;
const livesMs = [];
let opened = 0;
let refused = 0;
let begun = 0;

const say = (what) => console.log(JSON.stringify(what));

function over() {
  if (livesMs.length + refused < count) return;
  livesMs.sort((a, b) => a - b);
  say({ event: 'closed', opened, refused, least: livesMs[0] ?? 0, most: livesMs.at(-1) ?? 0 });
  process.exit(0);
}

function settle(what) {
  if (what === 'opened') opened++;
  else refused++;
  if (opened + refused === count) say({ event: 'open', opened, refused });
}

function begin() {
  let openedAt = 0;
  let gone = false;
  let timer;
  // A reader takes a byte and stops; everybody else takes what comes.
  const buffer = Buffer.alloc(kind === 'read' ? 1 : 4096);
  const onread = { buffer, callback: () => kind !== 'read' };
  const socket = connect({ port, host: '127.0.0.1', onread });
  const end = () => {
    if (gone) return;
    gone = true;
    clearInterval(timer);
    socket.destroy();
    if (openedAt === 0) settle('refused');
    else livesMs.push(performance.now() - openedAt);
    over();
  };
  socket.on('connect', () => {
    openedAt = performance.now();
    settle('opened');
    socket.write(starts[kind]);
    timer = setInterval(() => {
      // For a reader it begins the next request, but a write is also how it hears of its end: a
      // read would tell only after all that the kernel holds.
      socket.write('x');
      if (kind === 'read') socket.resume();
    }, byteEveryMs);
  });
  for (const event of ['end', 'error', 'close']) socket.on(event, end);
}

const ramp = setInterval(() => {
  for (let n = (perSecond * tickMs) / 1000; n > 0 && begun < count; n--) {
    begun++;
    begin();
  }
  if (begun === count) clearInterval(ramp);
}, tickMs);
