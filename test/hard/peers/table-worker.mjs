/**
 * A thread that does to the table what a worker does, as fast and as randomly as it can: enters
 * backends as it last knew them, makes tunnels of exchanges, leaves, suspects. It tells what must
 * not be: a backend that was replaced while something was in flight on it. It dies at any moment.
 */
import { parentPort, workerData } from 'node:worker_threads';

const { module, size, buffer, shared, worker, seed } = workerData;
const { State, statesOf, Table } = await import(module);
const table = new Table(size, buffer, worker);
/** Word 0: 1 says that it is over. Then how often somebody entered, was refused, made a tunnel. */
const words = new Int32Array(shared);
const ready = statesOf(State.up, State.checking);
const burst = 500;
const most = 16;

let noise = seed;
/** 0 and up, below `bound`: xorshift. */
function below(bound) {
  noise ^= noise << 13;
  noise ^= noise >>> 17;
  noise ^= noise << 5;
  return (noise >>> 0) % bound;
}

/** Generations as they were last heard of; null: not to be entered, as far as is known. */
const known = Array.from({ length: size.capacity }, (_, slot) => table.generation(slot));
const held = [];
const counts = new Int32Array(words.length);
const [entered, refused, tunnels] = [1, 2, 3];

/** As the engine does: who sees that nothing is left on a backend that drains says so. */
function maybeReleased(slot, left) {
  if (left > 0 || table.state(slot) !== State.draining) return;
  parentPort.postMessage({ kind: 'released', slot });
}

function leaveExchange(slot) {
  table.leave(slot);
  maybeReleased(slot, table.inFlight(slot));
}

function leaveTunnel(slot) {
  table.leaveTunnel(slot);
  maybeReleased(slot, table.tunnels(slot));
}

function look({ slot, generation }) {
  const isThere = table.generation(slot) === generation && table.state(slot) !== State.free;
  if (!isThere) parentPort.postMessage({ kind: 'wrong', what: `slot ${slot} was given away` });
}

function enter() {
  const slot = below(size.capacity);
  const generation = known[slot];
  if (generation === null) {
    if (below(4) === 0) known[slot] = table.generation(slot);
    return;
  }
  if (!table.enter(slot, generation, ready)) {
    counts[refused]++;
    known[slot] = null;
    return;
  }
  counts[entered]++;
  held.push({ slot, generation, isTunnel: false });
  look(held.at(-1));
}

function upgrade(each) {
  if (each.isTunnel) return;
  counts[tunnels]++;
  each.isTunnel = true;
  table.enterTunnel(each.slot);
  leaveExchange(each.slot);
}

function leave(index) {
  const each = held[index];
  look(each);
  held[index] = held.at(-1);
  held.pop();
  if (each.isTunnel) leaveTunnel(each.slot);
  else leaveExchange(each.slot);
}

/** How much it wants to hold at the moment. */
let appetite = 0;

function step() {
  if (below(64) === 0) appetite = below(most);
  if (below(1024) === 0) table.suspect(below(size.capacity));
  else if (held.length === 0 || (held.length < appetite && below(8) > 0)) enter();
  else if (below(4) === 0) upgrade(held[below(held.length)]);
  else leave(below(held.length));
}

function run() {
  for (let n = 0; n < burst; n++) step();
  for (const word of [entered, refused, tunnels]) Atomics.add(words, word, counts[word]);
  counts.fill(0);
  if (Atomics.load(words, 0) === 0) {
    setImmediate(run);
    return;
  }
  while (held.length > 0) leave(held.length - 1);
  parentPort.postMessage({ kind: 'done' });
}

parentPort.postMessage({ kind: 'begun', worker });
run();
